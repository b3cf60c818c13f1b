/**
 * Policy: how many events a client may send. It needs no event, so that it can run before one is parsed.
 * Runs on the thread that built it; the rates are its state.
 *
 * @module
 */
import { type ClientRates, rateRefusal } from "./client_rates.ts";
import type { Policy } from "./policy.ts";

/** At which rates. */
interface EventRateOptions {
  /** Counted in events. */
  readonly rates: ClientRates;
}

/** Makes the policy. Cost: `walk`. A refused event takes nothing from the rates. */
export function eventRate(options: EventRateOptions): Policy<unknown> {
  const { rates } = options;
  return function withinEventRate(_subject, context) {
    const exceeded = rates.trySpend(context, 1);
    return exceeded === null ? null : rateRefusal(exceeded, "events");
  };
}
