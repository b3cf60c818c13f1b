/**
 * Every bound of the program, with its unit, and the relations between bounds that must hold.
 * What an operator may change is in `config.ts`, with these as defaults; the rest is fixed here.
 * Runs on any thread; constants only.
 *
 * @module
 */
import { invariant } from "./invariant.ts";

/** The hard limit of one WebSocket message, bytes; a longer one closes the connection with 1009. */
export const FRAME_BYTES_MAX = 512 * 1024;
/** The default of `MAX_MESSAGE_LENGTH` (NIP-11 `max_message_length`), bytes of UTF-8. */
export const MESSAGE_BYTES_DEFAULT = 256 * 1024;
/** The deepest nesting of arrays and objects in a message. An event needs 4: `["EVENT",{"tags":[["e"]]}]`. */
export const JSON_DEPTH_MAX = 8;

/** Tags of one event, by default (NIP-11 `max_event_tags`). */
export const EVENT_TAGS_DEFAULT = 5_000;
/** Bytes of one tag value that are indexed; longer values are kept, not found by `#x`. */
export const TAG_VALUE_INDEXED_BYTES_MAX = 1_024;
/** The highest kind (NIP-01: 0..65535). */
export const KIND_MAX = 65_535;
/** The highest `created_at`, seconds: integers in JSON are exact up to 2^53 - 1. */
export const CREATED_AT_MAX = Number.MAX_SAFE_INTEGER;
/** Characters of a subscription id (NIP-01). */
export const SUBSCRIPTION_ID_CHARS_MAX = 64;
/** Filters of one REQ or COUNT. */
export const FILTERS_MAX = 20;
/** Values in all lists of one filter together. */
export const FILTER_VALUES_MAX = 5_000;
/** Bytes of a search text. */
export const SEARCH_BYTES_MAX = 1_024;

/** Bytes of one lane, a power of two; holds thousands of events. */
export const LANE_BYTES = 8 * 1024 * 1024;
/** Bytes of one lane that carries only small records (rejections, queries). */
export const LANE_BYTES_SMALL = 2 * 1024 * 1024;
/** Bytes of the tail: the newest part of the log in shared memory. */
export const TAIL_BYTES = 16 * 1024 * 1024;
/** The longest a thread sleeps before it looks again by itself, ms: what a lost wake-up costs. */
export const WAIT_MS_MAX = 50;

/** Events verified in one call of the verification library. */
export const VERIFY_BATCH_MAX = 512;
/** Events written in one transaction: bounds how long the first waits for the last. */
export const GROUP_COMMIT_EVENTS_MAX = 1_000;
/** Bytes of events written in one transaction. */
export const GROUP_COMMIT_BYTES_MAX = 4 * 1024 * 1024;
/** Events that one connection may have unanswered; the next one is refused `rate-limited:`. */
export const EVENTS_UNANSWERED_MAX = 2_000;

/** Rows that a gateway examines for one query slice before the query moves to a reader. */
export const GATEWAY_QUERY_ROWS_MAX = 2_000;
/** Rows that a reader examines for one slice. */
export const READER_SLICE_ROWS_MAX = 20_000;
/** Index rows that a scan fetches from one stream in one call of SQLite. */
export const SCAN_CHUNK_ROWS_MAX = 500;
/** Streams that a plan may merge; a filter that needs more is answered along a coarser index. */
export const PLAN_STREAMS_MAX = 20_000;
/** Kinds of one author that a plan opens streams for, where the filter names no kinds. */
export const PLAN_KINDS_OF_AUTHOR_MAX = 100;
/** Rows after which a tag value counts as frequent. */
export const PLAN_PROBE_ROWS = 200;
/** Bytes of event text that one slice of a query may bring. */
export const SLICE_BYTES_MAX = 1024 * 1024;

/** Documents that the indexer sends in one bulk call, at most. */
export const BULK_EVENTS_MAX = 20_000;
/** Bytes of one bulk call, at most. */
export const BULK_BYTES_MAX = 32 * 1024 * 1024;
/** Attempts of a document that OpenSearch refuses for a passing reason, before it is set aside. */
export const BULK_ITEM_ATTEMPTS_MAX = 8;
/** Hits that a search may rank, at most (OpenSearch's own `max_result_window`). */
export const SEARCH_HITS_MAX = 5_000;
/** The longest wait for one answer of OpenSearch, ms. */
export const OPENSEARCH_TIMEOUT_MS = 10_000;
/** The longest pause between two attempts to reach OpenSearch, ms. */
export const OPENSEARCH_BACKOFF_MS_MAX = 30_000;

/** The longest that SIGTERM drains, ms, before main exits with an error. */
export const DRAIN_MS_MAX = 15_000;

invariant((LANE_BYTES & (LANE_BYTES - 1)) === 0, "LANE_BYTES is a power of two");
invariant((LANE_BYTES_SMALL & (LANE_BYTES_SMALL - 1)) === 0, "LANE_BYTES_SMALL is a power of two");
invariant((TAIL_BYTES & (TAIL_BYTES - 1)) === 0, "TAIL_BYTES is a power of two");
// An event can be longer packed than in its frame (keys of tags), and a lane must hold a few of the longest.
invariant(LANE_BYTES >= 4 * FRAME_BYTES_MAX, "a lane holds four of the longest frames");
invariant(TAIL_BYTES >= 4 * FRAME_BYTES_MAX, "the tail holds four of the longest events");
invariant(MESSAGE_BYTES_DEFAULT <= FRAME_BYTES_MAX, "the default message fits a frame");
invariant(SLICE_BYTES_MAX >= FRAME_BYTES_MAX, "a slice holds the longest event");
invariant(SLICE_BYTES_MAX * 2 <= LANE_BYTES, "a lane holds two slices");
