/**
 * The policies that the configuration and the operator's decisions (NIP-86) ask for, each as one function.
 * Run on the thread that built them; rates are their only state. The decisions change while the policies run.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import { allowedKinds } from "../policy/allowed_kinds.ts";
import { allowedWriters } from "../policy/allowed_writers.ts";
import { AddressSet } from "../network/address_set.ts";
import { authToRead, authToWrite } from "../policy/authenticated_only.ts";
import { authorRate } from "../policy/author_rate.ts";
import { bannedEvents } from "../policy/banned_events.ts";
import { blockedAddresses } from "../policy/blocked_addresses.ts";
import { ClientRates } from "../policy/client_rates.ts";
import { eventLimits } from "../policy/event_limits.ts";
import { eventRate } from "../policy/event_rate.ts";
import { KindRanges, readKindRanges } from "../policy/kind_ranges.ts";
import { pipe, type PipeStep } from "../policy/pipe.ts";
import {
  COST,
  type EventPolicy,
  type Policy,
  type PolicyEvent,
  type RequestPolicy,
} from "../policy/policy.ts";
import type { ValueSet } from "../value_set.ts";
import { PrivateKinds } from "../policy/private_kinds.ts";
import { protectedEvents } from "../policy/protected_events.ts";
import { queryRate } from "../policy/query_rate.ts";
import type { RateTable } from "../policy/rate_table.ts";
import type { Rate } from "../policy/token_buckets.ts";
import { exceptInvites, type MemberDecisions, membersOf } from "./members.ts";
import { KIND_JOIN, KIND_LEAVE, KIND_RELAY_LIST, KIND_VANISH } from "../nostr/kinds.ts";

/** What the operator has decided while the relay runs; `ManagementView` is one. */
interface Decisions extends MemberDecisions {
  readonly bannedPubkeys: ValueSet<string>;
  readonly bannedEvents: ValueSet<string>;
  readonly blockedAddresses: ValueSet<string>;
  readonly allowedKinds: ValueSet<number>;
  readonly bannedKinds: ValueSet<number>;
}

/** Kinds that are signed by keys that nobody knows, and come to whoever a `p` tag names (NIP-59). */
const GIFT_WRAPS = new KindRanges([1059, 21_059]);

/** Relay lists are how authors are found: taken from anybody who is not banned (NIP-65). */
const RELAY_LISTS = new KindRanges([KIND_RELAY_LIST]);

/** By which keys join the relay and leave it (NIP-43). */
const MEMBER_REQUESTS = new KindRanges([KIND_JOIN, KIND_LEAVE]);
const RELAY_LISTS_AND_MEMBER_REQUESTS = new KindRanges([KIND_RELAY_LIST, KIND_JOIN, KIND_LEAVE]);

/** What needs no proved key: requests to vanish, and relay lists. */
const WRITTEN_BY_ANYBODY = new KindRanges([KIND_VANISH, KIND_RELAY_LIST]);

/** Whether an event is taken, whoever brings it. */
export function contentPolicy(config: Config, decisions: Decisions): EventPolicy {
  // Who asks to join is no member yet, and the kinds that a relay is for are not those by which it is joined.
  const asks = config.MEMBERSHIP === "off" ? NO_KINDS : MEMBER_REQUESTS;
  const open = config.MEMBERSHIP === "off" ? RELAY_LISTS : RELAY_LISTS_AND_MEMBER_REQUESTS;
  return pipe<PolicyEvent>([
    { cost: COST.field, policy: eventLimits(config) },
    {
      cost: COST.lookup,
      policy: unlessOf(
        asks,
        allowedKinds({ allowed: kinds(config.ALLOWED_KINDS), denied: kinds(config.DENIED_KINDS) }),
      ),
    },
    {
      cost: COST.lookup,
      policy: unlessOf(
        asks,
        allowedKinds({ allowed: decisions.allowedKinds, denied: decisions.bannedKinds }),
      ),
    },
    {
      cost: COST.lookup,
      policy: unlessVanish(allowedWriters({
        allowed: membersOf(config, decisions),
        denied: either(listed(config.DENIED_PUBKEYS) ?? NOBODY, decisions.bannedPubkeys),
        kindsToAllowed: GIFT_WRAPS,
        openKinds: open,
      })),
    },
    { cost: COST.lookup, policy: bannedEvents({ banned: decisions.bannedEvents }) },
  ]);
}

/** Whether an event is taken from this client. */
export function senderPolicy(config: Config): EventPolicy {
  const steps: PipeStep<PolicyEvent>[] = [{ cost: COST.walk, policy: protectedEvents() }];
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

/** What rates are measured with. */
export interface RateMeans {
  /** The clock, ms; that of all threads. */
  readonly nowMs: () => number;
  /** The memory of the whole relay. */
  readonly table: RateTable;
}

/** Whether the client has sent too many events; asked before an event is parsed. Null: any number. */
export function eventRatePolicy(config: Config, means: RateMeans): Policy<unknown> | null {
  const perMinute = {
    connection: config.EVENTS_PER_MINUTE_CONNECTION,
    address: config.EVENTS_PER_MINUTE,
    key: config.EVENTS_PER_MINUTE_KEY,
  };
  const rates = clientRates("events", perMinute, means);
  return rates === null ? null : eventRate({ rates });
}

/** Whether there are too many events of this author; asked after the signature was verified. Null: any number. */
export function authorRatePolicy(config: Config, means: RateMeans): EventPolicy | null {
  const perMinute = config.EVENTS_PER_MINUTE_AUTHOR;
  if (perMinute === 0) return null;
  const buckets = means.table.buckets("events author", rateOf(perMinute));
  return unlessVanish(authorRate({ buckets, exempt: null, nowMs: means.nowMs }));
}

/** The rows that clients' queries may have the relay look at. A query is charged after it ran. Null: any number. */
export function queryBudget(config: Config, means: RateMeans): ClientRates | null {
  return clientRates("rows", { connection: 0, address: config.QUERY_ROWS_PER_MINUTE, key: 0 }, means);
}

/** Whether a client may read at all, or null: everybody may. */
export function readerPolicy(config: Config, decisions: MemberDecisions): RequestPolicy | null {
  if (config.MEMBERSHIP === "all") return exceptInvites(authToRead({ keys: membersOf(config, decisions) }));
  return config.AUTH_TO_READ ? authToRead({ keys: null }) : null;
}

/** What a REQ, COUNT or NEG-OPEN meets besides the rates. */
interface RequestMeans {
  /** Of {@linkcode readerPolicy}. */
  readonly mayRead: RequestPolicy | null;
  /** Of {@linkcode queryBudget}. */
  readonly budget: ClientRates | null;
}

/** Whether a REQ, COUNT or NEG-OPEN is served. */
export function requestPolicy(
  config: Config,
  means: RateMeans,
  { mayRead, budget }: RequestMeans,
): RequestPolicy {
  const steps: PipeStep<Parameters<RequestPolicy>[0]>[] = [
    { cost: COST.lookup, policy: privateKinds(config).requests() },
  ];
  if (mayRead !== null) steps.unshift({ cost: COST.lookup, policy: mayRead });
  const perMinute = {
    connection: config.QUERIES_PER_MINUTE_CONNECTION,
    address: config.QUERIES_PER_MINUTE,
    key: config.QUERIES_PER_MINUTE_KEY,
  };
  for (const rates of [clientRates("queries", perMinute, means), budget]) {
    if (rates !== null) steps.push({ cost: COST.walk, policy: queryRate({ rates, requestCost: 1 }) });
  }
  return pipe(steps);
}

/** The gates of the configured private kinds. */
export function privateKinds(config: Config): PrivateKinds {
  return new PrivateKinds(kinds(config.PRIVATE_KINDS) ?? new KindRanges([]));
}

/** Whether who wants to write has to meet a condition (NIP-11 `restricted_writes`). */
export function restrictsWrites(config: Config): boolean {
  return config.MIN_POW_DIFFICULTY > 0 || config.AUTH_TO_WRITE || config.ALLOWED_PUBKEYS !== null ||
    config.ALLOWED_KINDS !== null || config.MEMBERSHIP !== "off" || config.WRITE_PLUGIN !== null ||
    config.POLICY_FILES !== null;
}

/** 0: any number. */
interface PerMinute {
  readonly connection: number;
  readonly address: number;
  readonly key: number;
}

function clientRates(what: string, perMinute: PerMinute, { nowMs, table }: RateMeans): ClientRates | null {
  const { connection, address, key } = perMinute;
  if (connection + address + key === 0) return null;
  const rate = (most: number) => most === 0 ? null : rateOf(most);
  return new ClientRates({
    perConnection: rate(connection),
    perAddress: rate(address),
    perKey: rate(key),
    buckets: (by, rate) => table.buckets(`${what} ${by}`, rate),
    nowMs,
  });
}

/** A minute's worth may come at once. */
function rateOf(perMinute: number): Rate {
  return { perSecond: perMinute / 60, burst: perMinute };
}

function kinds(text: string | null): ValueSet<number> | null {
  if (text === null) return null;
  return text === "" ? new KindRanges([]) : readKindRanges(text) ?? null;
}

/** A request to vanish is followed whoever may write here, and what (NIP-62). */
function unlessVanish(policy: EventPolicy): EventPolicy {
  return function exceptVanish(event, context) {
    return event.kind === KIND_VANISH ? null : policy(event, context);
  };
}

/** The same, for requests of kinds of their own too. */
function unlessOf(kinds: ValueSet<number>, policy: EventPolicy): EventPolicy {
  const exceptVanish = unlessVanish(policy);
  if (kinds.size === 0) return exceptVanish;
  return function exceptRequests(event, context) {
    return kinds.has(event.kind) ? null : exceptVanish(event, context);
  };
}

function listed(keys: readonly string[] | null): ValueSet<string> | null {
  return keys === null ? null : new Set(keys);
}

function either<Value>(a: ValueSet<Value>, b: ValueSet<Value>): ValueSet<Value> {
  return {
    get size() {
      return (a.size ?? 1) + (b.size ?? 1);
    },
    has: (value) => a.has(value) || b.has(value),
  };
}

const NOBODY: ValueSet<string> = new Set();
const NO_KINDS: ValueSet<number> = new Set();
