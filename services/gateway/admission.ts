/**
 * Whom a gateway lets in: addresses that are not blocked, as many as there may be. Holds for every WebSocket, whoever
 * answers it.
 * The gateway's thread owns it; the counts are shared.
 *
 * @module
 */
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import { slotOf } from "../../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { fromNobody } from "../../lib/policy/policy.ts";
import type { PoliciesInForce } from "./client_policies.ts";
import type { ConnectionCounts, CountPlaces } from "./connection_counts.ts";

const CONNECTIONS = slotOf("nostr_connections_active");

/** What is asked. */
interface AdmissionParts {
  readonly settings: ConfigFollower;
  readonly policies: PoliciesInForce;
  readonly counts: ConnectionCounts;
  readonly metrics: ThreadMetrics;
}

/** See the module's text. */
export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Why nobody of an address may connect, or null. */
  refusalOf(address: string): string | null {
    return this.#parts.policies.current.mayConnect(null, { ...fromNobody(0), ip: address });
  }

  /** Counts a client of an address. Null: it may not connect, or there are as many as there may be. */
  admit(address: string): CountPlaces | null {
    const { settings, counts, metrics } = this.#parts;
    if (this.refusalOf(address) !== null) return null;
    const places = counts.acquire(address, settings.config);
    if (places !== null) metrics.add(CONNECTIONS, 1);
    return places;
  }

  /** A client that was let in is gone. */
  left(places: CountPlaces): void {
    this.#parts.counts.release(places);
    this.#parts.metrics.add(CONNECTIONS, -1);
  }
}
