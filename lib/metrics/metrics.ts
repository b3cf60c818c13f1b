/**
 * Every metric of the relay, in one table: name, kind, meaning, label values, buckets.
 * The memory layout, the slots that actors write and the exposition follow from it.
 * Runs on any thread; constants only.
 *
 * @module
 */
import { VERDICTS } from "../nip05/verdict.ts";
import { PREFIXES } from "../nostr/prefixes.ts";
import { STORAGE_FAULTS } from "../sqlite/storage_fault.ts";

/** A label with all the values that it can have: no client can add a series. */
interface Label {
  readonly name: string;
  readonly values: readonly string[];
}

/** A row of the table. Threads' values are summed, gauges too: each thread reports its own share. */
export interface Metric {
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence, with the unit. */
  readonly help: string;
  readonly label?: Label;
  /** Upper bounds of a histogram's buckets, rising; +Inf is implied. */
  readonly buckets?: readonly number[];
}

/** Client messages by verb; what has no verb that we know is `other`. */
export const VERBS = [
  "EVENT",
  "REQ",
  "COUNT",
  "CLOSE",
  "AUTH",
  "NEG-OPEN",
  "NEG-MSG",
  "NEG-CLOSE",
  "other",
] as const;

/** What an OK said: the prefix of its message, or that the event was accepted as new. */
const OK_RESULTS = ["accepted", ...PREFIXES] as const;
/** Workers that the supervisor starts. */
export const ACTORS = [
  "gateway",
  "control",
  "verifier",
  "plugin",
  "store",
  "reader",
  "indexer",
  "management",
  "upstream",
  "router",
  "fanout",
] as const;

/** Where an event of an upstream relay was found that is not verified again; pending: its copy is being verified. */
const DEDUPLICATION_LAYERS = ["recent", "lru", "store", "pending"] as const;
/** What an upstream relay may be. */
export const UPSTREAM_STATES = ["connecting", "open", "waiting", "quarantined", "off"] as const;

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const QUERY_SECONDS = [0.0001, 0.00025, ...SECONDS];
const EVENTS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384];

/** The table. */
export const METRICS = {
  nostr_messages_received_total: {
    type: "counter",
    help: "Messages from clients, by verb.",
    label: { name: "verb", values: VERBS },
  },
  nostr_events_received_total: { type: "counter", help: "Events that clients sent." },
  nostr_events_stored_total: {
    type: "counter",
    help: "Events committed to disk, by class of kind.",
    label: { name: "class", values: ["regular", "replaceable", "addressable"] },
  },
  nostr_oks_total: {
    type: "counter",
    help: "OK answers, by result.",
    label: { name: "result", values: OK_RESULTS },
  },
  nostr_closed_total: {
    type: "counter",
    help: "CLOSED answers, by prefix.",
    label: { name: "prefix", values: PREFIXES },
  },
  nostr_policy_failures_total: {
    type: "counter",
    help: "Events and requests refused because a policy file failed, by what it did.",
    label: { name: "failure", values: ["threw", "slow", "answer"] },
  },
  nostr_deliveries_total: { type: "counter", help: "Events sent to live subscriptions." },
  nostr_slow_readers_total: {
    type: "counter",
    help: "Clients whose subscriptions, or connections, were ended because too much waited for them.",
  },
  nostr_sender_pauses_total: {
    type: "counter",
    help: "Times that a client was not read because there was no room for its event.",
  },
  nostr_connections_active: { type: "gauge", help: "Open connections." },
  nostr_subscriptions_active: { type: "gauge", help: "Open subscriptions." },
  nostr_filter_values_held: {
    type: "gauge",
    help:
      "Values that filters of open subscriptions, counts and comparisons hold; a long one counts as several.",
  },
  nostr_relay_queue_length: { type: "gauge", help: "Events received and not yet answered." },
  nostr_relay_queue_bytes: {
    type: "gauge",
    help: "Bytes that wait in lanes, by what the lanes carry.",
    label: { name: "lane", values: ["frames", "packed", "outcomes", "queries", "rows"] },
  },
  nostr_ingest_seconds: {
    type: "histogram",
    help: "From an event's frame to its OK, seconds.",
    buckets: SECONDS,
  },
  nostr_query_seconds: {
    type: "histogram",
    help: "From a request to its last stored event, seconds, by who answered.",
    label: { name: "place", values: ["gateway", "reader", "search"] },
    buckets: QUERY_SECONDS,
  },
  nostr_verifier_batch_events: {
    type: "histogram",
    help: "Events verified in one call.",
    buckets: EVENTS,
  },
  nostr_verify_second_decisions_total: {
    type: "counter",
    help: "Events of a failed batch that were verified one by one.",
  },
  nostr_verifier_frames_left_total: {
    type: "counter",
    help: "Frames that the library left to JavaScript.",
  },
  nostr_commit_seconds: { type: "histogram", help: "One commit of the store, seconds.", buckets: SECONDS },
  nostr_commit_events: { type: "histogram", help: "Events in one commit of the store.", buckets: EVENTS },
  nostr_store_fault: {
    type: "gauge",
    help: "1 while the store refuses events because of the disk, by what is wrong with it.",
    label: { name: "fault", values: STORAGE_FAULTS },
  },
  nostr_data_dir_free_bytes: { type: "gauge", help: "Free bytes of the disk that DATA_DIR is on." },
  nostr_indexer_lag_events: { type: "gauge", help: "Changes in the log that the search index lacks." },
  nostr_search_available: {
    type: "gauge",
    help: "1 while searches are answered; 0 while the index does not answer, or is not as far as the log.",
  },
  nostr_search_dead_letters: { type: "gauge", help: "Changes that the search index refused for good." },
  nostr_bulk_events: {
    type: "histogram",
    help: "Changes in one bulk call to the search index.",
    buckets: EVENTS,
  },
  nostr_bulk_failures_total: { type: "counter", help: "Bulk calls that the search index did not take." },
  nostr_nip05_checks_total: {
    type: "counter",
    help: "Identifiers (NIP-05) that were looked up, by what was found; unknown: the domain gave no answer.",
    label: { name: "verdict", values: VERDICTS },
  },
  nostr_upstream_events_total: { type: "counter", help: "Events that upstream relays sent." },
  nostr_upstream_duplicates_total: {
    type: "counter",
    help: "Events of upstream relays that were not verified again, by where they were found.",
    label: { name: "layer", values: DEDUPLICATION_LAYERS },
  },
  nostr_upstream_invalid_total: {
    type: "counter",
    help: "Events of upstream relays that are not what their ids and signatures say.",
  },
  nostr_upstream_unasked_total: {
    type: "counter",
    help: "Events of upstream relays that were not asked for.",
  },
  nostr_upstream_pauses_total: {
    type: "counter",
    help: "Times that an upstream relay was not read because there was no room for its event.",
  },
  nostr_upstream_sent_total: {
    type: "counter",
    help: "Events sent to upstream relays, by their answer.",
    label: { name: "result", values: ["accepted", "refused"] },
  },
  nostr_upstream_relays: {
    type: "gauge",
    help: "Upstream relays, by state.",
    label: { name: "state", values: UPSTREAM_STATES },
  },
  nostr_forward_events_total: {
    type: "counter",
    help: "Events that the router delivered, by how.",
    label: { name: "to", values: ["http", "tcp", "ws"] },
  },
  nostr_forward_failures_total: {
    type: "counter",
    help: "Attempts to deliver events that failed, or were refused.",
  },
  nostr_forward_lag_events: {
    type: "gauge",
    help: "Changes in the log that the target of the router lacks which is furthest behind.",
  },
  nostr_forward_waiting_events: {
    type: "gauge",
    help: "Events that the router has read for a target and not delivered yet.",
  },
  nostr_forward_set_aside: { type: "gauge", help: "Events that a target of the router refused for good." },
  nostr_fanout_payloads_total: {
    type: "counter",
    help: "Payloads that were encrypted for followers of bots.",
  },
  nostr_fanout_followers: { type: "gauge", help: "Followers of bots that are connected." },
  nostr_fanout_lag_events: { type: "gauge", help: "Entries of the log that the fan-out has not looked at." },
  nostr_fanout_registry_available: {
    type: "gauge",
    help:
      "1 while the registry of bots and followers answers; 0 while it does not, and nobody is sent anything.",
  },
  nostr_worker_restarts_total: {
    type: "counter",
    help: "Workers that died and were started again, by actor.",
    label: { name: "actor", values: ACTORS },
  },
  nostr_process_restarts_total: {
    type: "counter",
    help: "Times that the process died, or a worker of it hung, and it was started again.",
  },
  process_resident_memory_bytes: { type: "gauge", help: "Resident memory of the process, bytes." },
  process_cpu_seconds_total: { type: "counter", help: "User and system time of the process, seconds." },
  process_start_time_seconds: { type: "gauge", help: "The start of the process, seconds since 1970." },
} as const satisfies Record<string, Metric>;

/** The name of a metric. */
export type MetricName = keyof typeof METRICS;

/** Names by what they are; the slots use them, so that a wrong name does not compile. */
type NamesOf<Shape> = {
  [Name in MetricName]: (typeof METRICS)[Name] extends Shape ? Name : never;
}[MetricName];
/** Histograms. */
export type HistogramName = NamesOf<{ type: "histogram" }>;
/** Counters and gauges. */
export type CellName = Exclude<MetricName, HistogramName>;
/** Metrics with a label. */
export type LabelledName = NamesOf<{ label: Label }>;
/** The values of a metric's label. */
export type LabelValue<Name extends LabelledName> = (typeof METRICS)[Name] extends
  { label: { values: readonly (infer Value extends string)[] } } ? Value : never;
