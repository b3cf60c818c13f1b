/**
 * The policies that the configuration and the operator's decisions (NIP-86) ask for, each as one function.
 * Run on the thread that built them; rates are their only state. The decisions change while the policies run.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { allowedKinds } from "./allowed_kinds.ts";
import { allowedWriters } from "./allowed_writers.ts";
import { AddressSet } from "./address_set.ts";
import { authToRead, authToWrite } from "./authenticated_only.ts";
import { bannedEvents } from "./banned_events.ts";
import { blockedAddresses } from "./blocked_addresses.ts";
import { ClientRates } from "./client_rates.ts";
import { eventLimits } from "./event_limits.ts";
import { eventRate } from "./event_rate.ts";
import { KindRanges, readKindRanges } from "./kind_ranges.ts";
import { pipe, type PipeStep } from "./pipe.ts";
import { COST, type EventPolicy, type Membership, type Policy, type RequestPolicy } from "./policy.ts";
import { PrivateKinds } from "./private_kinds.ts";
import { protectedEvents } from "./protected_events.ts";
import { queryRate } from "./query_rate.ts";
import type { NostrEvent } from "../nostr/event.ts";
import { KIND_RELAY_LIST, KIND_VANISH } from "../nostr/kinds.ts";

/** What the operator has decided while the relay runs; `ManagementView` is one. */
export interface Decisions {
  readonly bannedPubkeys: Membership<string>;
  readonly allowedPubkeys: Membership<string>;
  readonly bannedEvents: Membership<string>;
  readonly blockedAddresses: Membership<string>;
  readonly allowedKinds: Membership<number>;
  readonly bannedKinds: Membership<number>;
}

/** Kinds that are signed by keys that nobody knows, and come to whoever a `p` tag names (NIP-59). */
const GIFT_WRAPS = new KindRanges([1059, 21_059]);

/** Relay lists are how authors are found: taken from anybody who is not banned (NIP-65). */
const RELAY_LISTS = new KindRanges([KIND_RELAY_LIST]);

/** What needs no proved key: requests to vanish, and relay lists. */
const WRITTEN_BY_ANYBODY = new KindRanges([KIND_VANISH, KIND_RELAY_LIST]);

/** Whether an event is taken, whoever brings it. */
export function contentPolicy(config: Config, decisions: Decisions): EventPolicy {
  const allowed = listed(config.ALLOWED_PUBKEYS);
  return pipe<NostrEvent>([
    { cost: COST.field, policy: eventLimits(config) },
    {
      cost: COST.lookup,
      policy: unlessVanish(
        allowedKinds({ allowed: kinds(config.ALLOWED_KINDS), denied: kinds(config.DENIED_KINDS) }),
      ),
    },
    {
      cost: COST.lookup,
      policy: unlessVanish(
        allowedKinds({ allowed: decisions.allowedKinds, denied: decisions.bannedKinds }),
      ),
    },
    {
      cost: COST.lookup,
      policy: unlessVanish(allowedWriters({
        allowed: allowed && either(allowed, decisions.allowedPubkeys),
        denied: either(listed(config.DENIED_PUBKEYS) ?? NOBODY, decisions.bannedPubkeys),
        kindsToAllowed: GIFT_WRAPS,
        openKinds: RELAY_LISTS,
      })),
    },
    { cost: COST.lookup, policy: bannedEvents({ banned: decisions.bannedEvents }) },
  ]);
}

/** Whether an event is taken from this client. */
export function senderPolicy(config: Config): EventPolicy {
  const steps: PipeStep<NostrEvent>[] = [{ cost: COST.walk, policy: protectedEvents() }];
  if (config.AUTH_TO_WRITE) {
    steps.push({ cost: COST.lookup, policy: authToWrite({ keys: null, openKinds: WRITTEN_BY_ANYBODY }) });
  }
  return pipe(steps);
}

/** Whether the client is served at all. */
export function clientPolicy(config: Config, decisions: Decisions): Policy<unknown> {
  const denied = new AddressSet();
  for (const network of config.DENIED_ADDRESSES ?? []) denied.add(network);
  return blockedAddresses({ blocked: either(denied, decisions.blockedAddresses) });
}

/** Whether the client has sent too many events; asked before an event is parsed. Null: any number. `nowMs` is the clock. */
export function eventRatePolicy(config: Config, nowMs: () => number): Policy<unknown> | null {
  const rates = clientRates(config.EVENTS_PER_MINUTE, nowMs);
  return rates === null ? null : eventRate({ rates });
}

/** Whether a REQ, COUNT or NEG-OPEN is served. `nowMs` is the clock. */
export function requestPolicy(config: Config, nowMs: () => number): RequestPolicy {
  const steps: PipeStep<Parameters<RequestPolicy>[0]>[] = [
    { cost: COST.lookup, policy: privateKinds(config).requests() },
  ];
  if (config.AUTH_TO_READ) steps.unshift({ cost: COST.lookup, policy: authToRead({ keys: null }) });
  const rates = clientRates(config.QUERIES_PER_MINUTE, nowMs);
  if (rates !== null) steps.push({ cost: COST.walk, policy: queryRate({ rates, requestCost: 1 }) });
  return pipe(steps);
}

/** The gates of the configured private kinds. */
export function privateKinds(config: Config): PrivateKinds {
  return new PrivateKinds(kinds(config.PRIVATE_KINDS) ?? new KindRanges([]));
}

/** Whether who wants to write has to meet a condition (NIP-11 `restricted_writes`). */
export function restrictsWrites(config: Config): boolean {
  return config.MIN_POW_DIFFICULTY > 0 || config.AUTH_TO_WRITE || config.ALLOWED_PUBKEYS !== null ||
    config.ALLOWED_KINDS !== null || config.WRITE_PLUGIN !== null;
}

/** A minute's worth may come at once. */
function clientRates(perMinute: number, nowMs: () => number): ClientRates | null {
  if (perMinute === 0) return null;
  const perAddress = { perSecond: perMinute / 60, burst: perMinute };
  return new ClientRates({ perConnection: null, perAddress, perKey: null, nowMs });
}

function kinds(text: string | null): Membership<number> | null {
  if (text === null) return null;
  return text === "" ? new KindRanges([]) : readKindRanges(text) ?? null;
}

/** A request to vanish is followed whoever may write here, and what (NIP-62). */
function unlessVanish(policy: EventPolicy): EventPolicy {
  return function exceptVanish(event, context) {
    return event.kind === KIND_VANISH ? null : policy(event, context);
  };
}

function listed(keys: readonly string[] | null): Membership<string> | null {
  return keys === null ? null : new Set(keys);
}

function either<Value>(a: Membership<Value>, b: Membership<Value>): Membership<Value> {
  return { has: (value) => a.has(value) || b.has(value) };
}

const NOBODY: Membership<string> = new Set();
