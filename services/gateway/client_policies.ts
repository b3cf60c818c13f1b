/**
 * What a gateway asks before it serves a client, made anew when the settings change.
 * The gateway's thread owns it.
 *
 * @module
 */
import type { Config } from "../../lib/config.ts";
import type { ManagementFollower } from "../../lib/management/change_log.ts";
import type { ClientRates } from "../../lib/policy/client_rates.ts";
import { clientPolicy, eventRatePolicy, queryBudget, requestPolicy } from "../../lib/policy/configured.ts";
import type { Policy, RequestPolicy } from "../../lib/policy/policy.ts";
import type { RateTable } from "../../lib/policy/rate_table.ts";
import { relayMs } from "../relay_clock.ts";

/** What a gateway asks before it serves a client. */
export interface ClientPolicies {
  readonly mayConnect: Policy<unknown>;
  /** Null: nothing is to be asked. */
  readonly mayWrite: Policy<unknown> | null;
  readonly mayRequest: RequestPolicy;
  /** What queries are charged to, or null. */
  readonly budget: ClientRates | null;
}

/** Makes them for a configuration, the decisions that change while they run, and the rates of the whole relay. */
export function policiesOf(config: Config, { view }: ManagementFollower, table: RateTable): ClientPolicies {
  const means = { nowMs: relayMs, table };
  const budget = queryBudget(config, means);
  return {
    mayConnect: clientPolicy(config, view),
    mayWrite: eventRatePolicy(config, means),
    mayRequest: requestPolicy(config, means, budget),
    budget,
  };
}
