/**
 * The rates of one thing (events, requests, rows read) for a client: by connection, by address and by proved key.
 * Belongs to the thread that made it. Clients are spread over threads, so that the rates of addresses and keys have their
 * buckets in memory that all threads share (`rate_table.ts`); a connection has one thread.
 *
 * @module
 */
import { customerOf } from "../network/network.ts";
import type { PolicyContext } from "./policy.ts";
import { type Buckets, type Rate, TokenBuckets } from "./token_buckets.ts";

/** The rates; null: any. */
interface ClientRatesOptions {
  readonly perConnection: Rate | null;
  /** IPv6 clients count by their /64: one customer has all of it. */
  readonly perAddress: Rate | null;
  /** By the first key that the connection proved. */
  readonly perKey: Rate | null;
  /** Makes the buckets of addresses and keys; by default they are this thread's own. */
  readonly buckets?: (by: RateExceeded["by"], rate: Rate) => Buckets;
  /** The clock, ms. It is read once an event, and costs more than all else here: a coarse one is enough. */
  readonly nowMs: () => number;
}

/** Which of a client's rates is used up. */
interface RateExceeded {
  readonly by: "connection" | "address" | "key";
  /** Until it is worth another try, ms. */
  readonly waitMs: number;
}

/** See the module's text. */
export class ClientRates {
  readonly #nowMs: () => number;
  readonly #scopes: readonly {
    readonly by: RateExceeded["by"];
    readonly buckets: Buckets;
    readonly keyOf: (context: PolicyContext) => string | null;
  }[];

  constructor(options: ClientRatesOptions) {
    const { perConnection, perAddress, perKey } = options;
    const make = (by: RateExceeded["by"], rate: Rate) =>
      by === "connection" || !options.buckets ? new TokenBuckets(rate) : options.buckets(by, rate);
    this.#nowMs = options.nowMs;
    this.#scopes = [
      { by: "connection" as const, rate: perConnection, keyOf: connectionKey },
      { by: "key" as const, rate: perKey, keyOf: firstKey },
      { by: "address" as const, rate: perAddress, keyOf: ({ ip }: PolicyContext) => ip && customerOf(ip) },
    ].flatMap(({ by, rate, keyOf }) => rate === null ? [] : [{ by, buckets: make(by, rate), keyOf }]);
  }

  /** Takes `cost` from all of the client's rates, or nothing from any: then it says which one does not allow it. */
  trySpend(context: PolicyContext, cost: number): RateExceeded | null {
    const now = this.#nowMs();
    for (const { by, buckets, keyOf } of this.#scopes) {
      const key = keyOf(context);
      const waitMs = key === null ? 0 : buckets.waitMs(key, cost, now);
      if (waitMs > 0) return { by, waitMs };
    }
    this.#spend(context, cost, now);
    return null;
  }

  /** Takes `cost` from all of the client's rates, whether they allow it or not. */
  spend(context: PolicyContext, cost: number): void {
    this.#spend(context, cost, this.#nowMs());
  }

  #spend(context: PolicyContext, cost: number, nowMs: number): void {
    for (const { buckets, keyOf } of this.#scopes) {
      const key = keyOf(context);
      if (key !== null) buckets.spend(key, cost, nowMs);
    }
  }
}

/** The text of the refusal. */
export function rateRefusal({ by, waitMs }: RateExceeded, what: string): string {
  return `rate-limited: too many ${what} by your ${by}, try again in ${Math.ceil(waitMs / 1000)} s`;
}

function connectionKey({ connection }: PolicyContext): string | null {
  return connection === null ? null : String(connection);
}

function firstKey({ authenticated }: PolicyContext): string | null {
  for (const key of authenticated) return key;
  return null;
}
