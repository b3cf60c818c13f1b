/**
 * Policy: how many events of one author are taken, whoever sends them.
 * Runs on the thread that built it; the buckets are the caller's. It belongs after the signatures: before them, anybody
 * could use up an author's rate with forged events.
 *
 * @module
 */
import type { EventPolicy } from "./policy.ts";
import type { ValueSet } from "../value_set.ts";
import type { Buckets } from "./token_buckets.ts";

/** At which rate. */
interface AuthorRateOptions {
  /** Counted in events, by author. */
  readonly buckets: Buckets;
  /** Authors without a rate; null: none. */
  readonly exempt: ValueSet<string> | null;
  /** The clock, ms. */
  readonly nowMs: () => number;
}

/** Makes the policy. Cost: `walk`. A refused event takes nothing from the rate. */
export function authorRate(options: AuthorRateOptions): EventPolicy {
  const { buckets, exempt, nowMs } = options;
  return function withinAuthorRate(event) {
    if (exempt?.has(event.pubkey)) return null;
    const now = nowMs();
    const waitMs = buckets.waitMs(event.pubkey, 1, now);
    if (waitMs > 0) {
      return `rate-limited: too many events of this author, try again in ${Math.ceil(waitMs / 1000)} s`;
    }
    buckets.spend(event.pubkey, 1, now);
    return null;
  };
}
