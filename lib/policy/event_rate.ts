/**
 * Policy: how many events a client may send. It needs no event, so that it can run before one is parsed.
 * Runs on the thread that built it; the rates are its state.
 *
 * @module
 */
import { type ClientRates, rateRefusal } from "./client_rates.ts";
import type { Policy } from "./policy.ts";

/** At which rates. */
export interface EventRateOptions {
  /** Counted in events. */
  readonly rates: ClientRates;
}

/** Makes the policy. Cost: `walk`. A refused event takes nothing from the rates. */
export function eventRate(options: EventRateOptions): Policy<unknown> {
  const { rates } = options;
  return function withinEventRate(_subject, context) {
    const exceeded = rates.exceeded(context, 1);
    if (exceeded !== null) return rateRefusal(exceeded, "events");
    rates.spend(context, 1);
    return null;
  };
}
