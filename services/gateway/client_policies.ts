/**
 * What a gateway asks before it serves a client, made anew when the settings change.
 * The gateway's thread owns it.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import type { MessageLimits } from "../../lib/nostr/client_message.ts";
import type { ManagementFollower } from "../../lib/management/change_log.ts";
import type { ClientRates } from "../../lib/policy/client_rates.ts";
import {
  clientPolicy,
  eventRatePolicy,
  queryBudget,
  readerPolicy,
  requestPolicy,
} from "../../lib/relay/configured_policies.ts";
import type { Policy, PolicyContext, RequestPolicy } from "../../lib/policy/policy.ts";
import type { RateTable } from "../../lib/policy/rate_table.ts";
import { relayMs } from "../../wire/relay_clock.ts";
import type { Connection } from "./connection.ts";

/** What a gateway asks before it serves a client. */
interface ClientPolicies {
  readonly mayConnect: Policy<unknown>;
  /** Null: nothing is to be asked. */
  readonly mayWrite: Policy<unknown> | null;
  readonly mayRequest: RequestPolicy;
  /** Whether what a client has open goes on. Null: nothing is to be asked. */
  readonly mayRead: RequestPolicy | null;
  /** What queries are charged to, or null. */
  readonly budget: ClientRates | null;
  /** What bounds a message. */
  readonly limits: MessageLimits;
}

/** Those of the settings that are in force now. */
export class PoliciesInForce {
  readonly #decisions: ManagementFollower;
  readonly #rates: RateTable;
  current: ClientPolicies;

  /**
   * @param decisions The operator's, which change while policies run.
   * @param rates Those of the whole relay.
   */
  constructor(config: Config, decisions: ManagementFollower, rates: RateTable) {
    this.#decisions = decisions;
    this.#rates = rates;
    this.current = policiesOf(config, decisions, rates);
  }

  /** Follows the settings. */
  use(config: Config): void {
    this.current = policiesOf(config, this.#decisions, this.#rates);
  }
}

function policiesOf(config: Config, { view }: ManagementFollower, table: RateTable): ClientPolicies {
  const means = { nowMs: relayMs, table };
  const budget = queryBudget(config, means);
  const mayRead = readerPolicy(config, view);
  return {
    mayRead,
    mayConnect: clientPolicy(config, view),
    mayWrite: eventRatePolicy(config, means),
    mayRequest: requestPolicy(config, means, { mayRead, budget }),
    budget,
    limits: limitsOf(config),
  };
}

function limitsOf(config: Config): MessageLimits {
  return {
    limitMax: config.MAX_LIMIT,
    limitDefault: config.DEFAULT_LIMIT,
    filtersMax: config.MAX_FILTERS,
    subscriptionIdCharsMax: config.MAX_SUBID_LENGTH,
    negentropyEventsMax: config.NEGENTROPY_EVENTS_MAX,
  };
}

/** Who sends something now. */
export function contextOf({ number, address, auth }: Connection): PolicyContext {
  return {
    nowSeconds: Math.floor(Date.now() / 1000),
    authenticated: auth.authenticated,
    ip: address,
    connection: number,
  };
}
