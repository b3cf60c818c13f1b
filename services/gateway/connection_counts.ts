/**
 * How many connections the relay has, and each client's address: counted where all gateways see it, so that a bound is the
 * relay's and not each thread's.
 * The gateway's thread owns it; the counts are shared.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { customerOf } from "../../lib/network/network.ts";
import {
  type CountPlace,
  NO_ROOM,
  SHARED_COUNT_MAX,
  type SharedCounts,
} from "../../lib/policy/shared_counts.ts";

/** Where a connection is counted: as one of the relay, and as one of its address. */
export type CountPlaces = readonly [CountPlace, CountPlace];

/** One that is counted nowhere. */
export const NOWHERE: CountPlaces = [NO_ROOM, NO_ROOM];

/** See the module's text. */
export class ConnectionCounts {
  readonly #counts: SharedCounts;

  constructor(counts: SharedCounts) {
    this.#counts = counts;
  }

  /** Counts a connection. Null: there are as many as there may be. */
  acquire(
    address: string,
    { CONNECTIONS_MAX, CONNECTIONS_PER_IP_MAX }: Pick<Config, "CONNECTIONS_MAX" | "CONNECTIONS_PER_IP_MAX">,
  ): CountPlaces | null {
    const ofRelay = this.#counts.acquire("connections", "", CONNECTIONS_MAX);
    if (ofRelay < 0) return null;
    const most = CONNECTIONS_PER_IP_MAX === 0 ? SHARED_COUNT_MAX : CONNECTIONS_PER_IP_MAX;
    const ofAddress = this.#counts.acquire("connections of", customerOf(address), most);
    // Who is not bounded needs no place.
    if (ofAddress >= 0 || (ofAddress === NO_ROOM && CONNECTIONS_PER_IP_MAX === 0)) {
      return [ofRelay, ofAddress];
    }
    this.#counts.release(ofRelay);
    return null;
  }

  /** A connection is gone. */
  release([ofRelay, ofAddress]: CountPlaces): void {
    this.#counts.release(ofRelay);
    this.#counts.release(ofAddress);
  }
}
