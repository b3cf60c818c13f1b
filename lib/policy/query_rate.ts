/**
 * Policy: how much a client's queries may cost. What a query costs is known after it ran: it then takes its cost from
 * the rates (`rates.spend(context, rows)`), into debt if need be, and the next one waits until the debt is gained.
 * Runs on the thread that built it; the rates are its state.
 *
 * @module
 */
import { type ClientRates, rateRefusal } from "./client_rates.ts";
import type { RequestPolicy } from "./policy.ts";

/** At which rates. */
interface QueryRateOptions {
  /** Counted in the unit of cost, such as rows read. */
  readonly rates: ClientRates;
  /** What the request itself costs at once, in that unit: without it, requests sent together would all be free. */
  readonly requestCost: number;
}

/** Makes the policy. Cost: `walk`. A refused request takes nothing from the rates. */
export function queryRate(options: QueryRateOptions): RequestPolicy {
  const { rates, requestCost } = options;
  return function withinQueryRate(filters, context) {
    const exceeded = rates.trySpend(context, requestCost * Math.max(1, filters.length));
    return exceeded === null ? null : rateRefusal(exceeded, "or too dear queries");
  };
}
