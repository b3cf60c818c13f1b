/**
 * Every bound of the program, with its unit, by subsystem, and the relations between bounds that must hold.
 * What an operator may change is in `config.ts`, with these as defaults; the rest is fixed here.
 * Runs on any thread; constants only.
 *
 * @module
 */
// long: one list, so that there is one place to look for a bound. `deno task tidy` finds a bound that is not here.
import { invariant } from "./invariant.ts";

// Messages, events and filters

/** The hard limit of one WebSocket message, bytes; a longer one closes the connection with 1009. */
export const FRAME_BYTES_MAX = 512 * 1024;
/** The default of `MAX_MESSAGE_LENGTH` (NIP-11 `max_message_length`), bytes of UTF-8. */
export const MESSAGE_BYTES_DEFAULT = 256 * 1024;
/** The least that an operator may set `MAX_MESSAGE_LENGTH` to: an event of NIP-01 with a short text fits. */
export const MESSAGE_BYTES_MIN = 1_024;
/** The deepest nesting of arrays and objects in a message. An event needs 4: `["EVENT",{"tags":[["e"]]}]`. */
export const JSON_DEPTH_MAX = 8;
/** Tags of one event, by default (NIP-11 `max_event_tags`). */
export const EVENT_TAGS_DEFAULT = 5_000;
/** The most that an operator may set `MAX_EVENT_TAGS` to; the message's length bounds it before. */
export const EVENT_TAGS_MAX = 50_000;
/** Unicode characters of one event's content, by default (NIP-11 `max_content_length`). */
export const CONTENT_CHARS_DEFAULT = 192 * 1024;
/** Seconds that `created_at` may be in the future, by default (NIP-11 `created_at_upper_limit`). */
export const CREATED_AT_FUTURE_SECONDS_DEFAULT = 900;
/** Characters of one tag value by which a search can be narrowed; a REQ finds longer values too. */
export const TAG_VALUE_SEARCHED_CHARS_MAX = 1_024;
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
/** Values in all `&x` lists of one filter together: each is a condition of its own. */
export const FILTER_ALL_VALUES_MAX = 50;
/** Bytes of a search text. */
export const SEARCH_BYTES_MAX = 1_024;
/** Subscriptions that one connection may hold, by default (NIP-11 `max_subscriptions`). */
export const SUBSCRIPTIONS_DEFAULT = 200;
/** The most that an operator may set `MAX_SUBSCRIPTIONS` to. */
export const SUBSCRIPTIONS_MAX = 10_000;
/** Values that the filters of one connection may hold, open subscriptions and counts under way together. */
export const HELD_VALUES_MAX = 50_000;
/** Characters that count as one such value. */
export const HELD_VALUE_CHARS = 64;
/** Bytes that one takes at most; a test measures it. */
export const HELD_VALUE_BYTES = 256;
/** Bytes that the filters of all connections of the relay may take. */
export const HELD_VALUES_TOTAL_BYTES_MAX = 768 * 1024 * 1024;
/** Values that a connection may hold when three quarters of those bytes are taken. */
export const HELD_VALUES_FEW = 2_000;
/** The highest `limit` of a filter that is served as asked, by default (NIP-11 `max_limit`). */
export const QUERY_LIMIT_DEFAULT = 5_000;
/** The most that an operator may set `MAX_LIMIT` to. */
export const QUERY_LIMIT_MAX = 100_000;
/** Stored events that a filter without `limit` brings, by default (NIP-11 `default_limit`). */
export const QUERY_LIMIT_UNASKED_DEFAULT = 500;

// Threads and the memory that they share

/** Bytes of one lane, a power of two; holds thousands of events. */
export const LANE_BYTES = 8 * 1024 * 1024;
/** Bytes of a lane of frames. */
export const LANE_BYTES_FRAMES = 4 * 1024 * 1024;
/** Bytes of a lane of outcomes: room for an outcome of every event that an origin may have unanswered. */
export const LANE_BYTES_OUTCOMES = 8 * 1024 * 1024;
/** Bytes of a lane of queries. */
export const LANE_BYTES_QUERIES = 2 * 1024 * 1024;
/** Bytes of the tail: the newest part of the log in shared memory. */
export const TAIL_BYTES = 16 * 1024 * 1024;
/** The longest a thread sleeps before it looks again by itself, ms: what a lost wake-up costs. */
export const WAIT_MS_MAX = 50;
/** Workers of one kind, at most: every pair of them is a lane. */
export const WORKERS_MAX = 64;
/** How often memory that was freed is given back to the system, ms. */
export const TRIM_INTERVAL_MS = 10_000;
/** The pause before a dead worker is started again, ms, by default. */
export const RESTART_DELAY_MS_DEFAULT = 1_000;
/** The pause between two beats of a worker that beats by a timer, ms. */
export const HEARTBEAT_MS = 250;
/** How often main looks whether all workers move, ms. */
export const HEARTBEAT_LOOK_MS = 500;
/** How long a worker may hang before the process is started again, ms, by default: longer than a call of SQLite. */
export const STANDSTILL_MS_DEFAULT = 60_000;
/** Exit code of a process that ended because a worker hung: EX_SOFTWARE of sysexits.h. */
export const EXIT_HANG = 70;
/** A process that lived no longer than this, ms, may have died of its start: the next pause is twice as long. */
export const SHORT_LIFE_MS_MAX = 5_000;
/** The longest pause before a process that died is started again, ms. */
export const PROCESS_RESTART_DELAY_MS_MAX = 30_000;
/** Reads and writes of sockets that Deno does in one turn of a thread's event loop: tokio's budget of a task. */
export const LOOP_WRITES_PER_TURN = 128;
/** How long a thread with an event loop works before it has the system asked what has come in, ms. */
export const LOOP_LOOK_MS = 3;

// Settings

/** Bytes of all settings together, as the threads get them: room for some 60,000 keys in lists. */
export const CONFIG_BYTES_MAX = 4 * 1024 * 1024;
/** How long a connection to a database waits for another that writes, ms. */
export const BUSY_MS = 5_000;
/** How often the settings file is looked at, ms. */
export const SETTINGS_LOOK_MS = 1_000;

// Verification, and events that wait for an answer

/** Memories that frames of one batch may lie in. */
export const FRAME_SOURCES_MAX = 128;
/** Events verified in one call of the verification library. */
export const VERIFY_BATCH_MAX = 512;
/** Events that one connection may have unanswered; the next one is refused `rate-limited:`. */
export const EVENTS_UNANSWERED_MAX = 2_000;
/** Bytes of events that one connection may have unanswered: half of a lane of frames, so that none fills it alone. */
export const EVENT_BYTES_UNANSWERED_MAX = LANE_BYTES_FRAMES / 2;
/**
 * Tags of events that one connection may have unanswered, beside an event that is alone: to store a tag takes some 5 µs,
 * and all who come after wait for it.
 */
export const EVENT_TAGS_UNANSWERED_MAX = 10_000;
/** The same of all connections of a gateway; one may have what is left of it. */
export const EVENT_TAGS_UNANSWERED_ORIGIN_MAX = 10_000;
/** Tags that a connection may have unanswered however many others have. */
export const EVENT_TAGS_LIGHT = 500;
/** Characters of a message below which its tags are not counted: there is room for twenty. */
export const EVENT_TAGS_COUNTED_CHARS = 512;
/** Events that one gateway may have unanswered, over all its connections. */
export const EVENTS_UNANSWERED_ORIGIN_MAX = 16_000;
/** Bytes of an outcome's message. */
export const OUTCOME_MESSAGE_BYTES_MAX = 400;
/** Bytes of id texts in one batch of a verifier, beyond which it takes no further frame. */
export const INTAKE_BYTES_MAX = 4 * 1024 * 1024;

// Store: writing, checks and the disk

/** Events written in one transaction: bounds how long the first waits for the last. */
export const GROUP_COMMIT_EVENTS_MAX = 1_000;
/** Events of the fresh tables at which they are moved into the settled ones, which takes some 50 ms. */
export const FRESH_EVENTS_MAX = 8_192;
/** Rows of the fresh tag index at which the same is done: of many events with few tags, or of few with many. */
export const FRESH_TAGS_MAX = 4 * FRESH_EVENTS_MAX;
/** The same for an import without a relay, whom no pause disturbs: the more at once, the less each costs. */
export const IMPORT_FRESH_EVENTS_MAX = 65_536;
/** Bytes of events written in one transaction. */
export const GROUP_COMMIT_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes of a store that is checked as a whole at the start; of a larger one a part. */
export const START_CHECK_BYTES_MAX = 64 * 1024 * 1024;
/** Events of a backup whose ids and signatures a restore checks, unless it is told to check all. */
export const RESTORE_CHECK_EVENTS = 2_000;
/** Events at random places that the start looks at. */
export const START_CHECK_EVENTS = 200;
/** The longest that the start looks at them, ms: a cold disk may take long for each. */
export const START_CHECK_MS_MAX = 2_000;
/** How often a store that cannot write tries whether it can again, ms. */
export const STORAGE_PROBE_INTERVAL_MS = 1_000;
/** Bytes that must fit on a disk that was full, before it counts as writable again. */
export const STORAGE_PROBE_BYTES = 8 * 1024 * 1024;
/** Expired events that the store removes in one transaction. */
export const EXPIRE_EVENTS_MAX = 500;
/** Events of an author who has asked to vanish that the store removes in one transaction. */
export const VANISH_EVENTS_MAX = 200;
/** Rows that the store looks at in such a transaction. */
export const VANISH_ROWS_MAX = 2_000;
/** The page cache that all SQLite connections share, MiB, by default: the share that the writing connection brings. */
export const CACHE_MB_DEFAULT = 32;
/** What a connection that answers queries adds to the shared page cache, MiB: it reads through a mapping. */
export const READING_CACHE_MB = 1;
/** The page cache of a connection that reads the log through, bytes. */
export const FOLLOWER_CACHE_BYTES = 2 * 1024 * 1024;

// Connections, and what waits for clients

/** Connections of the whole relay, by default. */
export const CONNECTIONS_DEFAULT = 10_000;
/** Connections of one gateway beyond `CONNECTIONS_MAX`, for pages and for handshakes that are refused. */
export const PAGE_CONNECTIONS_MAX = 1_000;
/** File descriptors that no connection gets: databases, lanes' threads, OpenSearch, the log. */
export const OPEN_FILES_KEPT = 128;
/** The pause before a gateway listens again that could not accept, ms. */
export const LISTEN_AGAIN_MS = 100;
/** The most that an operator may set `CONNECTIONS_MAX` to. */
export const CONNECTIONS_BOUND = 1_000_000;
/** Bytes that wait for one slow reader before its connection is closed, by default. */
export const OUTBOUND_BYTES_DEFAULT = 32 * 1024 * 1024;
/** The range that an operator may set `OUTBOUND_BYTES_MAX` to, bytes; the least holds the longest frame. */
export const OUTBOUND_BYTES_RANGE = [1024 * 1024, 1024 * 1024 * 1024] as const;
/** Bytes that wait for all clients of the relay together: the more there are that read slowly, the less each may have. */
export const OUTBOUND_TOTAL_BYTES_MAX = 512 * 1024 * 1024;
/** Bytes that may wait for a client however many wait for others: so that whoever reads is answered. */
export const OUTBOUND_FLOOR_BYTES = 256 * 1024;
/** How often sockets are asked again for which bytes waited, ms. */
export const OUTBOUND_MEASURE_MS = 100;
/** Connections that `/health` lists one by one. */
export const HEALTH_CONNECTIONS_MAX = 100;
/** The longest that a client may be silent, pings included, before its connection is closed, seconds. */
export const SOCKET_IDLE_SECONDS_MAX = 120;
/** Characters sent to one client after which its socket is asked how much still waits. */
export const OUTBOUND_CHECK_CHARS = 64 * 1024;
/** Bytes waiting for a client above which a stored query pauses until they are fewer. */
export const OUTBOUND_PAUSE_BYTES = 1024 * 1024;
/** Bytes that the `ws` engine encodes frames into before it writes them: what one system call sends at most. */
export const OUTBOX_PAGE_BYTES = 128 * 1024;
/** Characters that wait for one socket after which they are written, whether or not the turn is over. */
export const OUTBOX_SOCKET_CHARS_MAX = 64 * 1024;
/** Frames of all sockets of a gateway after which they are written, whether or not the turn is over. */
export const OUTBOX_FRAMES_MAX = 16_384;
/** Characters of a message from which on it is worth deflating, where the client can inflate. */
export const DEFLATE_CHARS_MIN = 1_024;
/** Pieces in which one message may come, frames of RFC 6455 or reads of the socket; each may hold a page of memory. */
export const MESSAGE_PIECES_MAX = 2_048;
/** The longest that a client may take for its part of closing a WebSocket, ms. */
export const SOCKET_CLOSE_MS_MAX = 10_000;

// Turns of a gateway's event loop

/** Rows that a gateway examines for one query slice before the query moves to a reader. */
export const GATEWAY_QUERY_ROWS_MAX = 2_000;
/**
 * The same while clients wait for their turn at the gateway: some `SOCKET_VISIT_MS_MAX` of work. A reader that goes on with
 * a query opens it anew; a timeline of 100 events of 200 authors, which takes up to 320 rows, is to be opened once.
 */
export const GATEWAY_QUERY_ROWS_PRESSED_MAX = 500;
/** Rows that a gateway examines, and slices that it passes on, for queries that go on before sockets have a turn. */
export const GATEWAY_PAUSED_ROWS_MAX = GATEWAY_QUERY_ROWS_MAX;
/** Queries that pause which a gateway looks at before sockets have a turn. */
export const GATEWAY_PAUSED_LOOKS_MAX = 256;
/** Slices of each reader that a gateway passes on before sockets have a turn. */
export const GATEWAY_SLICES_PER_TURN = 1;
/** Rows that a gateway examines for one connection in one turn of its event loop; further queries go to readers. */
export const GATEWAY_TURN_ROWS_MAX = 4 * GATEWAY_QUERY_ROWS_MAX;
/** Rows examined for a connection up to which it is not counted in which turn they were. */
export const GATEWAY_TURN_ROWS_COUNTED = GATEWAY_QUERY_ROWS_MAX;
/**
 * Messages of one connection that are answered before every other socket has a turn: a few milliseconds of requests. A
 * turn costs some 20 µs, so that a client that sends much bears a fraction of one for each message.
 */
export const SOCKET_TURN_MESSAGES_MAX = 128;
/** Characters of such messages: the longest take as much of a turn as some hundreds of others, deflated ones too. */
export const SOCKET_TURN_CHARS_MAX = 1024 * 1024;
/** Pings of one client between two turns of the `ws` engine, which has to look at all that one read has brought. */
export const SOCKET_TURN_PINGS_MAX = 1_024;
/**
 * How long messages of all clients together are answered in one turn of a gateway's event loop, ms; the message that
 * exceeds it is answered whole. Whatever comes then waits for the next turn, in which the cheapest are first.
 */
export const TURN_MS_MAX = 4;
/** How long one client's messages are answered in a turn for which others wait, ms. */
export const SOCKET_VISIT_MS_MAX = 1;
/** What a message counts as, beside its characters and the rows that it has the relay look at; a row takes some 2 us. */
export const TURN_MESSAGE_ROWS = 10;
/** Characters of a message that count as a row. */
export const TURN_CHARS_OF_ROW = 32;
/** How long it takes until half of what a client has used is forgotten, ms. */
export const TURN_HALF_LIFE_MS = 1_000;
/** Rows used lately below which a client counts as one that asks little: some forty small queries a second. */
export const TURN_LIGHT_ROWS = 2_048;
/** Levels of clients that wait, by what they have used: below that, then each the double. */
export const TURN_LEVELS = 8;
/** Sockets that go on in one turn, each of which may have a message that is not read yet. */
export const TURN_SOCKETS_MAX = 64;
/** Turns in a row in which only clients that ask little are answered. */
export const TURNS_OF_LIGHT_MAX = 32;
/** Of so many other turns one begins with a client that has used most: so that nobody waits for ever. */
export const TURN_MOST_USED_EVERY = 4;

// HTTP

/** Bytes of the head of one HTTP request; an authorization is a part of it, and is refused by its own bound before. */
export const HTTP_HEAD_BYTES_MAX = 32 * 1024;
/** The longest that a client may take for a TLS handshake, or for the head of a request, ms. */
export const HTTP_HEAD_MS_MAX = 10_000;
/** The longest that a client may take for a whole request, ms. */
export const HTTP_REQUEST_MS_MAX = 30_000;
/** How long an HTTP connection may be silent between two requests, ms. */
export const HTTP_IDLE_MS_MAX = 30_000;
/**
 * HTTP requests of one client address that are being answered, at all gateways; each counts until its answer is sent, and
 * by HTTP/2 one connection carries many. It may have as many of `/ready` and `/health` beside them.
 */
export const HTTP_REQUESTS_PER_ADDRESS_MAX = 128;
/** The same for the whole relay, which bounds the pages that nobody reads; `/ready` and `/health` are none of them. */
export const HTTP_REQUESTS_MAX = 1_024;
/** The longest that an admin's request may take for its body, ms. */
export const HTTP_BODY_MS_MAX = 10_000;
/** How often late HTTP requests are looked for, ms. */
export const HTTP_LOOK_MS = 1_000;

// Live events and outcomes at a gateway

/** Steps in vain of matching live events for one subscription at which its connection is told of them. */
export const LIVE_STEPS_CHARGED = 4_096;
/** Such steps a second, some 30 ns each, at which a connection's subscriptions are ended. */
export const LIVE_STEPS_PER_SECOND_MAX = 500_000;
/**
 * Live events that a gateway sends by the `serve` engine before it turns: each waits there in a text and a task of its
 * own, and of thousands the memory for them costs more than the writing.
 */
export const SERVE_MESSAGES_PER_TURN = 1_024;
/** Entries of the log that a gateway delivers before it looks at its sockets again. */
export const LIVE_RECORDS_PER_TURN = 256;
/** Outcomes that a gateway answers before it looks at its sockets again. */
export const OUTCOMES_PER_TURN = 2_048;
/** Senders without room for their event that a gateway tries in vain before it looks at its sockets again. */
export const HELD_ATTEMPTS_MAX = 64;
/**
 * Characters of events that senders of all gateways have waiting for room; what exceeds them is refused, as where a socket
 * cannot be paused.
 */
export const HELD_TOTAL_CHARS_MAX = 64 * 1024 * 1024;
/** How often senders that wait for room are tried again, ms. */
export const HELD_INTERVAL_MS = 5;
/** Live events that a gateway sends by the `ws` engine before it turns: some milliseconds of them. */
export const WS_MESSAGES_PER_TURN = 4_096;

// Stored queries: plans, scans and readers

/** Rows that a reader examines for one slice. */
export const READER_SLICE_ROWS_MAX = 20_000;
/** Index rows that a scan fetches from one stream in one call of SQLite: an answer of the usual limit, and one more. */
export const SCAN_CHUNK_ROWS_MAX = 501;
/**
 * Characters of a text that cost about what a row costs; each so many count as a row more, wherever rows are counted. What
 * a row costs includes the first.
 */
export const SCAN_ROW_CHARS = 1_024;
/** Bytes of the longest text that a row brings along when it is fetched; a longer one is read when its turn comes. */
export const SCAN_TEXT_ALONG_BYTES_MAX = 4_096;
/** Values of the tag conditions left to check, up to which each is sought in the text; of more, the tags are parsed. */
export const SCAN_SOUGHT_VALUES_MAX = 8;
/** The least rows of a fetch after the first, where nothing is left to check. */
export const SCAN_CHUNK_ROWS_MIN = 4;
/** Ranges that one stream merges, and so the seeks of one call of SQLite. */
export const SCAN_RANGES_MAX = 500;
/** What a range costs when it is sought, in rows: about half a microsecond against two. */
export const SCAN_RANGE_ROWS = 0.25;
/** Characters of events' texts that a connection remembers. */
export const BODIES_REMEMBERED_CHARS = 4 * 1024 * 1024;
/** Ranges whose newest times a connection remembers, 2 to this power: 20 bytes each. */
export const NEWEST_TIMES_BITS = 16;
/** Entries of the log that are read to bring those times up to date; behind more they are forgotten. */
export const NEWEST_TIMES_LAG_MAX = 4_096;
/** Authors from which on a plan asks for their newest times. */
export const PLAN_TIMED_AUTHORS_MIN = 16;
/** Authors that a plan seeks first, those with the newest times, beside a third of the limit. */
export const PLAN_FIRST_AUTHORS = 16;
/** Events that a query brings beyond the relay's own limit, where they have the `created_at` of its last (NIP-67). */
export const TIED_EVENTS_MAX = 500;
/** Ranges that a plan may merge; a filter that needs more is answered along a coarser index. */
export const PLAN_RANGES_MAX = 20_000;
/** Kinds that a plan opens ranges for, where the filter names no kinds. */
export const PLAN_KINDS_OF_AUTHOR_MAX = 100;
/** Authors from which on a filter without kinds is planned with the kinds of the whole store: one look-up for all. */
export const PLAN_SHARED_KINDS_AUTHORS_MIN = 8;
/** Rows after which a tag value counts as frequent. */
export const PLAN_PROBE_ROWS = 200;
/** Rows up to which the planner tells which of several tag conditions is the rarest. */
export const PLAN_RAREST_ROWS_MAX = 2_000;
/** Values of one tag condition that the planner counts to find the rarest. */
export const PLAN_RAREST_VALUES_MAX = 4;
/** Tag conditions that the planner counts to find the rarest. */
export const PLAN_RAREST_CONDITIONS_MAX = 8;
/** How often paused queries look whether their clients have room, ms. */
export const PAUSED_QUERIES_INTERVAL_MS = 5;
/** Bytes of event texts that all gateways together keep in a cache because they are asked for again and again. */
export const TEXT_CACHE_TOTAL_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes of such texts that come and go together. */
export const TEXT_CACHE_CHUNK_BYTES = 1024 * 1024;
/** Bytes of the longest text that is cached; a third of its characters is enough to be too long. */
export const CACHED_TEXT_BYTES_MAX = 48 * 1024;
/** Texts of which a gateway remembers that they were read lately, and that it can keep; a power of two. */
export const TEXT_CACHE_PLACES = 128 * 1024;
/** Of so many texts that might be kept one is, once there is no room that is free. */
export const TEXT_CACHE_CANDIDATES = 8;
/** Removals after which all cached texts are forgotten, because to look at each would take longer. */
export const TEXT_CACHE_REMOVALS_MAX = 1_000;
/** Queries that one reader keeps open. */
export const READER_QUERIES_MAX = 10_000;
/** Queries that one connection may have open at a reader, sessions of negentropy among them. */
export const READER_QUERIES_CONNECTION_MAX = 625;
/** Bytes of the queries, as they were asked, that one reader keeps open: their filters take some times as much. */
export const READER_QUERY_BYTES_MAX = 64 * 1024 * 1024;
/** The same of one connection. */
export const READER_QUERY_BYTES_CONNECTION_MAX = 8 * 1024 * 1024;
/** How long a reader keeps a query that is not continued, where it needs the room, ms. */
export const READER_QUERY_IDLE_MS_MAX = 30_000;
/** Searches of one connection that a reader has under way at once. */
export const SEARCHES_AT_ONCE_CONNECTION_MAX = 4;
/** Searches that one reader has under way at OpenSearch at once. */
export const SEARCHES_AT_ONCE_MAX = 16;
/** Events that a COUNT over several filters keeps apart, and that a search may count. */
export const COUNT_DISTINCT_MAX = 1_000_000;
/** Characters of event text after which a gateway's step of a query ends. */
export const SLICE_BYTES_MAX = 1024 * 1024;
/** Characters of event text after which a reader's slice ends; the event that passes them is still a part of it. */
export const READER_SLICE_CHARS_MAX = 640 * 1024;
/** Bytes of the headers of a slice's texts, of which none is shorter than an empty event's. */
const READER_SLICE_HEADERS_BYTES_MAX = 64 * 1024;
/** Bytes of what a slice says besides its texts, and of its header, where it has texts. */
export const READER_SLICE_NOTE_BYTES_MAX = 32 * 1024;
/** Characters of a text from which on its bytes are counted; of a shorter one three a character are assumed. */
export const SLICE_TEXT_COUNTED_CHARS = 64 * 1024;

// Negentropy (NIP-77)

/** Bytes of one negentropy message of ours, before it becomes hex, which doubles it. */
export const NEGENTROPY_FRAME_BYTES_MAX = 128_000;
/** The least a limited negentropy message may be, bytes: a range's parts always fit (the reference's own). */
export const NEGENTROPY_FRAME_BYTES_MIN = 4_096;
/** Messages that one negentropy session may take from the other party. */
export const NEGENTROPY_ROUNDS_MAX = 4_096;
/** Events that one negentropy session may select, and ids it may find to differ; 40 bytes each, for a while. */
export const NEGENTROPY_ITEMS_MAX = 1_000_000;
/** The most events that an operator may let one negentropy session select. */
export const NEGENTROPY_ITEMS_BOUND = 4_000_000;
/** Items of all negentropy sessions that one reader holds, 40 bytes each; twice what one may select, where that is more. */
export const NEGENTROPY_READER_ITEMS_MAX = 4_000_000;
/** Items of all negentropy sessions of one connection, or what one session may select, where that is more. */
export const NEGENTROPY_CONNECTION_ITEMS_MAX = 1_000_000;
/** Rows that a reader examines for a session before it turns to other queries. */
export const NEGENTROPY_SLICE_ROWS_MAX = 5_000;
/** Rows that a reader reads for the set of all events before it turns to other work. */
export const FULL_SET_SLICE_ROWS = 2_000;
/** Rows of the log by which the set of all events may be behind when a session begins; behind more, the session scans. */
export const FULL_SET_LAG_ROWS_MAX = 20_000;
/** Events that have expired and are still in the store, at which a session scans. */
export const FULL_SET_EXPIRED_ROWS_MAX = 2_000;
/** The rest of the set of all events after it has followed the log to its end, ms. */
export const FULL_SET_FOLLOW_MS = 500;
/** Negentropy sessions that one connection may have open. */
export const NEGENTROPY_SESSIONS_MAX = 16;
/**
 * How long a message of negentropy may wait for its answer, ms; then it is refused. Clients wait for some 30 seconds, and
 * an idle core gathers five million events in that time.
 */
export const NEGENTROPY_ANSWER_MS_MAX = 20_000;
/** How long a client may take for its next negentropy message, ms. */
export const NEGENTROPY_IDLE_MS_MAX = 60_000;

// Search and its index

/** Documents that the indexer sends in one bulk call, at most. */
export const BULK_EVENTS_MAX = 20_000;
/** Documents that the embedded index takes in one transaction: 10,000 took 140 MB of the heap, and no less time each. */
export const BULK_EVENTS_EMBEDDED_MAX = 1_000;
/** Changes that the embedded index takes a second at least, though events wait for the store: a tenth of a core. */
export const BULK_EVENTS_BESIDE_WRITERS = 2_000;
/** Documents that make the indexer send before its second is over, by default. */
export const FLUSH_EVENTS_DEFAULT = 10_000;
/** The pause between two bulk calls, ms, by default. */
export const FLUSH_INTERVAL_MS_DEFAULT = 1_000;
/** Bytes of one bulk call, at most. */
export const BULK_BYTES_MAX = 32 * 1024 * 1024;
/** Attempts of a document that OpenSearch fails on, before it is set aside; one that it has no time for waits. */
export const BULK_ITEM_ATTEMPTS_MAX = 8;
/** Hits that a search may rank, at most (OpenSearch's own `max_result_window`). */
export const SEARCH_HITS_MAX = 5_000;
/** Words and phrases of one search that act; those after them are ignored. */
export const SEARCH_CLAUSES_MAX = 32;
/** Characters of one text field of an event that are searchable. */
export const SEARCH_FIELD_CHARS_MAX = 64 * 1024;
/** Documents of one part of the embedded index: FTS5 walks all of a part in one call, some 20 ms for frequent words. */
export const SEARCH_PART_DOCUMENTS_MAX = 8_192;
/** Characters of the words of one part. */
export const SEARCH_PART_CHARS_MAX = 2_000_000;
/** Prepared statements that a connection which searches keeps, some 15 KB each. */
export const SEARCH_STATEMENTS_MAX = 512;
/** Documents that a search without words looks at in one call. */
export const SEARCH_STEP_DOCUMENTS = 5_000;
/** Words and phrases of a search up to which the embedded index ranks by them; with more, the newest comes first. */
export const SEARCH_RANKED_CLAUSES_MAX = 8;
/** Matches that the embedded index ranks for one search, those indexed last: bounds how long a search takes. */
export const SEARCH_CANDIDATES_MAX = 50_000;
/** Characters of a text by which its language is guessed. */
export const LANGUAGE_CHARS_MAX = 100;
/** Latin letters below which nobody guesses a language. */
export const LANGUAGE_LETTERS_MIN = 10;
/** Characters of a text by which its sentiment is judged. */
export const SENTIMENT_CHARS_MAX = 2_000;
/** Points of valence, on either side of zero, that make a text positive or negative. */
export const SENTIMENT_SCORE_MIN = 2;
/** Characters of a text that are looked through for signs of spam. */
export const SPAM_CHARS_MAX = 4_000;
/** Signs of spam that an event must show to be left out of searches. */
export const SPAM_SIGNS_MIN = 2;
/** Leading zero bits of an id (NIP-13) that make an event no spam: minutes of work at today's speeds. */
export const SPAM_EXEMPT_BITS = 24;
/** Matches that a search ranks by what they were answered with, where it asks to (`sort:`). */
export const SORT_CANDIDATES_MAX = 1_000;
/** What counts as recent for `sort:rising`, seconds. */
export const RECENT_SECONDS = 6 * 3_600;
/** Events that name another one and are looked at for its rank, the newest ones. */
export const SORT_ANSWERS_MAX = 1_000;
/** Rows that these may cost, texts included, for one event: of those of long texts fewer are looked at. */
export const SORT_ANSWERS_ROWS_MAX = 4_000;
/** Searches that one thread has under way at OpenSearch; the next one is refused. */
export const SEARCHES_UNANSWERED_MAX = 64;
/** Changes set aside that are kept for the operator, those set aside last. */
export const DEAD_LETTERS_MAX = 100_000;
/** The longest wait for one answer of OpenSearch, ms. */
export const OPENSEARCH_TIMEOUT_MS = 10_000;
/** The longest that OpenSearch itself may take for one search, ms: then it gives up, and nobody waits for its answer. */
export const OPENSEARCH_SEARCH_MS_MAX = 5_000;
/** Matches that a shard of OpenSearch looks at for one search; a search that has more is refused. */
export const OPENSEARCH_MATCHES_MAX = 10_000_000;
/** The longest wait for the answer to one bulk call, ms: a cold OpenSearch takes seconds for the largest. */
export const OPENSEARCH_BULK_TIMEOUT_MS = 60_000;
/**
 * How long an index may take nothing, ms, beyond the pause between two bulk calls, while the log has something for it: then
 * it answers no search, because its answer would not be whole.
 */
export const SEARCH_BEHIND_MS_MAX = 10_000;
/** How often the indexer looks whether OpenSearch still holds the index that it had filled, ms. */
export const INDEX_LOOK_MS = 2_000;
/** The first pause after OpenSearch did not answer, ms; it doubles from there. */
export const OPENSEARCH_BACKOFF_MS_MIN = 500;
/** The longest pause between two attempts to reach OpenSearch, ms. */
export const OPENSEARCH_BACKOFF_MS_MAX = 30_000;

// Import, export and control

/** Rows that an export reads before it writes them. */
export const EXPORT_ROWS_AT_ONCE = 2_000;
/** Bytes of lines that an import without a relay writes as one transaction; a longer line goes alone. */
export const IMPORT_CHUNK_BYTES = 1024 * 1024;
/** Bytes of a line that is read even with `--no-limits`; a longer one is refused. */
export const IMPORT_LINE_BYTES_MAX = 2 * 1024 * 1024;
/** Chunks that its worker may be ahead of the store. */
export const IMPORT_CHUNKS_AHEAD = 3;
/** Bytes of lines about which the worker decides at once. */
export const IMPORT_FRAMES_BYTES = 1024 * 1024;
/** Different reasons of refusal that the report of an import names. */
export const IMPORT_REASONS_MAX = 50;
/** Refused lines that an import names one by one; the others are counted by reason. */
export const IMPORT_REFUSALS_NAMED_MAX = 100;
/** Characters of an id that the name of a refused line holds. */
export const IMPORT_ID_CHARS_MAX = 64;
/** Bytes of one line that a relay answers on its control socket: a report with all reasons and refusals fits. */
export const CONTROL_LINE_BYTES_MAX = 1024 * 1024;
/** Ids of a download that are remembered, twice, so that no event is written twice: more than two pages hold. */
export const DOWNLOAD_IDS_REMEMBERED = 20_000;
/** How often a command that streams looks whether the log has gone on, and whether a file of streams has changed, ms. */
export const STREAM_LOOK_MS = 100;
export const STREAMS_FILE_LOOK_MS = 1_000;
/** Steps of the log that one stream of a command takes before others have their turn. */
export const STREAM_STEPS_MAX = 20;
/** The pause before a command that streams connects again, ms: the first, which doubles, and the longest. */
export const STREAM_RETRY_FIRST_MS = 1_000;
export const STREAM_RETRY_MOST_MS = 60_000;
/** Events that a command has received and that are not answered by the store; then it reads nothing more. */
export const STREAM_UNSETTLED_MAX = 2_000;
/** Relays with which one command streams; the relay itself serves more (`UPSTREAM_RELAYS_MAX`). */
export const STREAM_RELAYS_MAX = 500;
/** Silence of a pipe after which an import passes on the lines that it has, ms. */
export const IMPORT_QUIET_MS = 50;

// Authentication (NIP-42, NIP-98)

/** Keys that one connection may prove (NIP-42); each travels with every frame of the connection. */
export const AUTH_KEYS_MAX = 32;
/** How far `created_at` of a proof (kind 22242) may be from now, seconds (NIP-42 suggests ten minutes). */
export const AUTH_SECONDS_MAX = 600;
/** How far `created_at` of an HTTP authorization (kind 27235) may be from now, seconds (NIP-98). */
export const HTTP_AUTH_SECONDS_MAX = 60;
/** Characters of an `Authorization` header. */
export const HTTP_AUTH_CHARS_MAX = 16 * 1024;

// Rates, plugins and policy files

/** Keys (clients, addresses, authors) whose rate one limiter remembers. */
export const RATE_KEYS_MAX = 100_000;
/** Keys whose rate the whole relay remembers, a power of two; 16 bytes each. */
export const RATE_SLOTS = 131_072;
/** Client addresses, and things of theirs, that the whole relay counts at a time; 8 bytes each and 4 for each gateway. */
export const SHARED_COUNT_SLOTS = 1_048_576;
/** The most that an operator may set a rate to, a minute. */
export const RATE_PER_MINUTE_MAX = 10_000_000;
/** Bytes of one line that a plugin writes. */
export const PLUGIN_LINE_BYTES_MAX = 64 * 1024;
/** Requests that wait for a plugin; the next one is refused `rate-limited:`. */
export const PLUGIN_WAITING_MAX = 2_000;
/** Characters of requests that one gateway has its plugin decide about, also of clients that have gone meanwhile. */
export const PLUGIN_REQUEST_CHARS_MAX = 32 * 1024 * 1024;
/** Verified events that wait for the write plugin beside each other; each waits for those before it. */
export const PLUGIN_BATCH_MAX = 256;
/** Requests that a plugin may have unanswered at a time, by configuration. */
export const PLUGIN_IN_FLIGHT_MAX = 256;
/** The longest that a plugin may take for an answer, ms, by default. */
export const PLUGIN_TIMEOUT_MS_DEFAULT = 10_000;
/** The pause before a plugin that died without one answer is started again, ms. */
export const PLUGIN_RESPAWN_MS = 1_000;
/** The time that a plugin has to end by itself once it was asked to, ms. */
export const PLUGIN_EXIT_MS = 1_000;
/** The longest that a function of a policy file may take, ms; it holds up all that its thread does. */
export const POLICY_MS_MAX = 250;
/** The pause between two lines of the log about policy files that fail, ms. */
export const POLICY_LOG_INTERVAL_MS = 1_000;
/** Policy files. */
export const POLICY_FILES_MAX = 16;

// Management and members (NIP-86, NIP-43)

/** Bytes of a management request (NIP-86). */
export const MANAGEMENT_BODY_BYTES_MAX = 64 * 1024;
/** Entries of one list that management keeps, such as the banned keys; and members of all roles together. */
export const MANAGEMENT_ENTRIES_MAX = 200_000;
/** Events of one report (NIP-56) that wait for a moderator. */
export const REPORTED_EVENTS_MAX = 20;
/** Members that the list of members names (NIP-43): its event fits the default of `MAX_MESSAGE_LENGTH`. */
export const MEMBERS_LISTED_MAX = 2_500;
/** Events about one member each (NIP-43) that go with one list; of more changes at once, only the list tells. */
export const MEMBER_NOTICES_MAX = 100;
/** Events that management takes before it answers what gateways ask: a decision takes some milliseconds. */
export const MANAGEMENT_EVENTS_PER_TURN = 16;
/** The pause between two lists of members, ms; a second, so that each replaces the one before. */
export const MEMBERS_INTERVAL_MS = 1_000;
/** Seconds by which the clock of who asks to join or leave may differ (NIP-43: a few minutes). */
export const MEMBER_REQUEST_SECONDS_MAX = 600;
/** Invite codes of one key that are open; who asks for more gets the newest again. */
export const INVITES_OPEN_MAX = 20;
/** Invite codes that the relay keeps. */
export const INVITES_MAX = 100_000;
/** Keys that may join by one invite code, at most. */
export const INVITE_USES_MAX = 10_000;
/** Hours for which an invite code is good, by default, and at most. */
export const INVITE_HOURS_DEFAULT = 168;
export const INVITE_HOURS_MAX = 8_760;
/** Seconds for which a code that has expired is known as such. */
export const INVITE_EXPIRED_SECONDS = 604_800;
/** Roles that management keeps. */
export const MANAGEMENT_ROLES_MAX = 1_000;
/** Characters of a reason that goes with a ban. */
export const MANAGEMENT_REASON_CHARS_MAX = 300;
/** Characters of the relay's name, where management changes it. */
export const RELAY_NAME_CHARS_MAX = 100;
/** Characters of the relay's description, where management changes it. */
export const RELAY_DESCRIPTION_CHARS_MAX = 2_000;
/** Characters of a URL that management sets. */
export const URL_CHARS_MAX = 2_000;

// Identifiers (NIP-05)

/** The longest that a look-up of an identifier (NIP-05) may take, name, connection and answer together, ms. */
export const NIP05_MS_MAX = 5_000;
/** Bytes of an answer to it, head included. */
export const NIP05_ANSWER_BYTES_MAX = 512 * 1024;
/** Look-ups under way at once, and of one site, whose owner may have as many names below it as they like. */
export const NIP05_AT_ONCE_MAX = 16;
export const NIP05_SITE_AT_ONCE_MAX = 2;
/** Look-ups that begin in one turn (`NIP05_LOOK_MS`): bounds what strangers can have the relay send a second. */
export const NIP05_TURN_MAX = 4;
/** Seconds between two look-ups at one domain. */
export const NIP05_DOMAIN_SECONDS_MIN = 2;
/** Domains whose pauses are kept before those that are over are forgotten. */
export const NIP05_DOMAINS_PAUSED_MAX = 10_000;
/** Seconds between two look-ups for one author. */
export const NIP05_AUTHOR_SECONDS_MIN = 300;
/** Seconds after which an identifier is looked at again; where nobody answered, sooner. */
export const NIP05_AGAIN_SECONDS = 86_400;
export const NIP05_RETRY_SECONDS = 7_200;
/** Seconds for which an identifier stays verified while nobody answers. */
export const NIP05_STALE_SECONDS = 604_800;
/** Authors whose identifiers are kept. */
export const NIP05_AUTHORS_MAX = 500_000;
/** Authors of one domain that a search looks among; OpenSearch takes 65,536 values of a condition. */
export const NIP05_DOMAIN_AUTHORS_MAX = 20_000;
/** The rest between two looks for profiles in the log, ms; entries that are read then, and identifiers to consider. */
export const NIP05_LOOK_MS = 250;
export const NIP05_LOG_ROWS = 2_000;
export const NIP05_DUE_MAX = 100;

// End and take-over

/** The longest that the indexer goes on sending after it was asked to stop, ms. */
export const INDEXER_DRAIN_MS_MAX = 5_000;
/** The longest that SIGTERM drains, ms, before main exits with an error. */
export const DRAIN_MS_MAX = 15_000;
/** The longest that main waits for the indexer to end, ms: a call to a silent index is not waited for. */
export const INDEXER_STOP_MS_MAX = 6_000;
/** How long a relay that hands over goes on as before, ms: handshakes that it has begun end well. */
export const HAND_OVER_GRACE_MS = 500;
/** How long it stays after it has given the store away, ms: its successor gets all new connections by then. */
export const HAND_OVER_LINGER_MS = 250;
/** How often a relay that takes over looks whether the store is free, ms. */
export const TAKE_OVER_LOOK_MS = 10;
/** The longest that a relay that takes over waits for the store, ms. */
export const TAKE_OVER_MS_MAX = 20_000;
/** The longest that a gateway which stops waits for its clients to take what is left and close, ms. */
export const GOODBYE_MS_MAX = 2_000;

// Bounds that one file alone uses, which stand at its top

// `lib/config/shared_config.ts`: `WRITE_WAIT_MS`
// `lib/nip05/http_answer.ts`: `HEAD_BYTES_MAX`, `CHUNK_LINE_BYTES_MAX`
// `lib/nostr/chosen_texts.ts`: `INDEX_CHARS_MAX`
// `lib/nostr/client_message.ts`: `ODD_ID_CHARS_MAX`
// `lib/nostr/hyperloglog.ts`: `OFFSET_MIN`, `LINEAR_COUNT_MAX`
// `lib/search/fts5/fts5_index.ts`: `PARTS_CACHED_MAX`
// `lib/search/popularity.ts`: `TENFOLD_SECONDS`
// `lib/store/keep/copy.ts`: `COPY_BUSY_MS`, `FAULTS_MAX`
// `lib/store/keep/open.ts`: `PAGE_BYTES`
// `lib/store/read/plan.ts`: `WINDOWS_MAX`
// `lib/store/read/scan.ts`: `WINDOW_ROWS`
// `lib/store/write/tag_writer.ts`: `ROWS_MAX`
// `lib/subscription/compiled_filter.ts`: `VALUES_LISTED_MAX`
// `lib/subscription/event_tags.ts`: `LOOKS_MAX`
// `lib/subscription/filed_keys.ts`: `BITS_MIN`
// `lib/upstream/split_filter.ts`: `MESSAGE_REST_BYTES`
// `lib/verify/frame_batch.ts`: `FIRST_BYTES`
// `lib/verify/text_intake.ts`: `ODD_ID_CHARS_MAX`
// `lib/upstream/key_proof.ts`: `CHALLENGE_CHARS_MAX`
// `runtime/plugin_process.ts`: `LOGGED_CHARS_MAX`
// `runtime/process_care.ts`: `SAMPLE_INTERVAL_MS`
// `runtime/resolved_host.ts`: `IPV6_GRACE_MS`
// `services/control/worker.ts`: `REPORT_INTERVAL_MS`, `FULL_WAIT_MS`, `READ_BYTES`
// `services/fanout/worker.ts`: `GAUGES_INTERVAL_MS`
// `services/gateway/gateway_loop.ts`: `DRAIN_QUIET_MS`, `GOODBYE_LOOK_MS`
// `services/gateway/negentropy_sessions.ts`: `IDLE_LOOK_MS`
// `services/gateway/reader_link.ts`: `LANE_FULL_RETRY_MS`
// `services/gateway/sockets/ws_listener.ts`: `SECOND_MS`
// `services/indexer/worker.ts`: `LAG_INTERVAL_MS`
// `services/plugin/worker.ts`: `STORE_FULL_WAIT_MS`
// `services/reader/worker.ts`: `FULL_WAIT_MS`
// `services/store/worker.ts`: `EXPIRE_INTERVAL_MS`, `RETRY_MS`
// `services/verifier/worker.ts`: `STORE_FULL_WAIT_MS`

// Relations that must hold

// Upstream relays

/** URLs that `UPSTREAM_RELAYS` may list; a file may list more. */
export const UPSTREAM_URLS_SET_MAX = 1_000;
/** Upstream relays, from all sources, at most. */
export const UPSTREAM_RELAYS_BOUND = 10_000;
/** Entries of `UPSTREAM_ALLOW`. */
export const UPSTREAM_ALLOW_MAX = 1_000;
/** Connection attempts at one time, by default. */
export const UPSTREAM_CONNECTS_DEFAULT = 64;
/** Connections to one host, and to one address, by default. */
export const UPSTREAM_PER_HOST_DEFAULT = 8;
/** The pause between two checks of an upstream relay's health, seconds, by default. */
export const UPSTREAM_HEALTH_SECONDS_DEFAULT = 30;
/** Ids of one layer of deduplication, at most. */
export const DEDUPE_IDS_MAX = 100_000_000;
/** The newest ids, by default. */
export const DEDUPE_RECENT_IDS_DEFAULT = 10_000;
/** Ids of the Bloom filter, by default. */
export const DEDUPE_BLOOM_IDS_DEFAULT = 1_000_000;
/** Ids of the LRU cache, by default. */
export const DEDUPE_LRU_IDS_DEFAULT = 50_000;
/** The longest pause after the first failure of an upstream relay, ms. */
export const UPSTREAM_RETRY_FIRST_MS = 1_000;
/** The longest pause after a failure while the circuit is closed, ms. */
export const UPSTREAM_RETRY_MOST_MS = 60_000;
/** A connection that was open for so long counts as a success, ms. */
export const UPSTREAM_STEADY_MS = 20_000;
/**
 * Patience with an upstream relay by kind of failure: failures in a row that open its circuit, and how long it stays open
 * the first time and at most, ms; it doubles each time.
 */
export const UPSTREAM_PATIENCE = {
  dns: { failures: 3, firstMs: 10 * 60_000, mostMs: 6 * 3_600_000 },
  refused: { failures: 8, firstMs: 60_000, mostMs: 3_600_000 },
  timeout: { failures: 5, firstMs: 2 * 60_000, mostMs: 3_600_000 },
  tls: { failures: 2, firstMs: 30 * 60_000, mostMs: 12 * 3_600_000 },
  http: { failures: 2, firstMs: 10 * 60_000, mostMs: 6 * 3_600_000 },
  auth: { failures: 1, firstMs: 3_600_000, mostMs: 24 * 3_600_000 },
  garbage: { failures: 2, firstMs: 30 * 60_000, mostMs: 24 * 3_600_000 },
  closed: { failures: 8, firstMs: 60_000, mostMs: 3_600_000 },
  "too-large": { failures: 2, firstMs: 30 * 60_000, mostMs: 12 * 3_600_000 },
  "private-address": { failures: 1, firstMs: 3_600_000, mostMs: 24 * 3_600_000 },
  redirect: { failures: 1, firstMs: 3_600_000, mostMs: 24 * 3_600_000 },
} as const;
/** Rows of the log, or of an index, that are read for lists of relays before others have their turn. */
export const UPSTREAM_LIST_ROWS = 500;
/**
 * Events of upstream relays that one worker has with verifiers and the store at one time: enough for a group commit, and
 * few enough that an event of a client does not wait behind hundreds of them.
 */
export const UPSTREAM_IN_FLIGHT_MAX = 64;
/** Events of one upstream relay that are not settled, and their characters; then its socket is not read. */
export const UPSTREAM_UNSETTLED_MAX = 1_000;
export const UPSTREAM_UNSETTLED_CHARS_MAX = 1024 * 1024;
/** Characters of events that wait for a verifier on one worker; a relay that sends more of them is called again later. */
export const UPSTREAM_WAITING_CHARS_MAX = 64 * 1024 * 1024;
/** The pause before events are sent again that the store or a plugin could not decide about, ms, and how often they are. */
export const UPSTREAM_AGAIN_MS = 1_000;
export const UPSTREAM_AGAIN_TRIES_MAX = 60;
/** The pause before a relay is called again whose address has its share of connections, ms. */
export const UPSTREAM_ADDRESS_WAIT_MS = 300_000;
/** Bytes of `UPSTREAM_FILE` and of `STREAMS_FILE`. */
export const UPSTREAM_FILE_BYTES_MAX = 4 * 1024 * 1024;
/** How often an upstream worker looks at files and clocks, and writes its states, ms. */
export const UPSTREAM_LOOK_MS = 1_000;
/** The pause before the plugin of a stream that failed is asked again about an event, ms, and how often it is asked. */
export const UPSTREAM_PLUGIN_PAUSE_MS = 1_000;
export const UPSTREAM_PLUGIN_TRIES_MAX = 10;
/** The pause before frames are offered again to lanes that were full, ms. */
export const UPSTREAM_FULL_WAIT_MS = 2;
/** Outcomes that an upstream worker takes before its sockets have their turn. */
export const UPSTREAM_OUTCOMES_PER_TURN = 256;
/** Rows of the table of relays that are read by one statement. */
export const UPSTREAM_PAGE_ROWS = 1_000;
/** Characters of a URL that the API takes. */
export const UPSTREAM_URL_CHARS_MAX = 1_000;
/** How long the limits of a relay's document count, ms. */
export const UPSTREAM_DOCUMENT_AGE_MS = 24 * 3_600_000;
/** How often the counts of a relay that is open are written, ms; a change of its state is written with the next look. */
export const UPSTREAM_COUNTS_MS = 5_000;
/** The span over which the share of invalid events of a relay is counted, ms. */
export const UPSTREAM_QUARANTINE_WINDOW_MS = 600_000;
/** Invalid events within the span before a relay can be quarantined. */
export const UPSTREAM_QUARANTINE_EVENTS_MIN = 10;
/** The share of invalid events among those that were verified at which a relay is quarantined. */
export const UPSTREAM_QUARANTINE_SHARE = 0.05;
/** How long a quarantine lasts the first time, and at most, ms; it doubles each time. */
export const UPSTREAM_QUARANTINE_FIRST_MS = 600_000;
export const UPSTREAM_QUARANTINE_MOST_MS = 24 * 3_600_000;
/** URLs that one list of relays may name (kinds 10002 and 30166). */
export const UPSTREAM_LIST_URLS_MAX = 50;
/** Ids of one slice of the store's newest, with which deduplication is warmed at the start. */
export const DEDUPE_WARM_IDS = 2_000;
/** Bits that a generation of the Bloom filter has for each of its ids. */
export const BLOOM_BITS_AN_ID = 12;
/** Ids of which a copy may be with a verifier; copies of further ones are verified without being compared. */
export const PENDING_IDS_MAX = 32_000;
/** Copies of one event that are kept while one is with a verifier; further ones are verified at once. */
export const PENDING_COPIES_MAX = 8;
/** Characters of all copies that a thread keeps. */
export const PENDING_CHARS_MAX = 16 * 1024 * 1024;
/** Characters of the copies that a thread keeps of one sender. */
export const PENDING_SENDER_CHARS_MAX = 1024 * 1024;
/** The longest that copies wait for the outcome of another one, ms. */
export const PENDING_MS_MAX = 30_000;
/** The stretch before the last moment of a connection that is fetched again after it, seconds: events come late. */
export const UPSTREAM_OVERLAP_SECONDS = 600;
/** The same where sets are compared (NIP-77), which fetches nothing twice, seconds. */
export const UPSTREAM_COMPARED_OVERLAP_SECONDS = 24 * 3_600;
/** The pause between two moments that are kept of a live subscription, seconds. */
export const UPSTREAM_PLACE_SECONDS = 60;
/** Stretches of time that are fetched begin and end at multiples of this, seconds. */
export const UPSTREAM_STEP_SECONDS = 120;
/** How long items of our own serve for further comparisons, seconds. */
export const UPSTREAM_ITEMS_REUSED_SECONDS = 60;
/** Stretches of time of one stream that are still to be fetched; beyond, the two nearest become one. */
export const UPSTREAM_GAPS_MAX = 16;
/** Pages of one stretch before it is looked again whether sets can be compared. */
export const UPSTREAM_PAGES_PER_ROUND_MAX = 16;
/** Pages in a row that bring one new event at most; then the stream pauses. */
export const UPSTREAM_SMALL_PAGES_MAX = 1_000;
/** Pages and batches of ids of one stream whose events have no outcome yet. */
export const UPSTREAM_BATCHES_UNSETTLED_MAX = 4;
/** Items of our own in one comparison with another relay; 40 bytes each. */
export const UPSTREAM_COMPARED_ITEMS_MAX = 100_000;
/** Comparisons of one worker that hold items at one time; others wait. */
export const UPSTREAM_COMPARISONS_MAX = 16;
/** The longest comparison of one stretch of time, seconds. */
export const UPSTREAM_COMPARISON_SECONDS_MAX = 300;
/** Rows that are examined for a comparison before the thread turns to other work. */
export const UPSTREAM_ITEMS_SLICE_ROWS = 2_000;
/** Ids of one filter that asks for events by id. */
export const UPSTREAM_IDS_PER_FILTER_MAX = 100;
/** Filters into which one second is split that holds more events than a page. */
export const UPSTREAM_SPLIT_FILTERS_MAX = 1_000;
/** The first pause after a stream failed on an open connection, seconds; it doubles up to the longest. */
export const UPSTREAM_RETRY_SECONDS_MIN = 5;
/** The longest of these pauses, seconds. */
export const UPSTREAM_RETRY_SECONDS_MAX = 600;
/** Events of one stream that were sent to a relay and are not answered. */
export const UPSTREAM_SENT_UNANSWERED_MAX = 64;
/** Characters of them, unless one event has more. */
export const UPSTREAM_SENT_CHARS_MAX = 1024 * 1024;
/** Rows of the log that a stream reads at a time. */
export const UPSTREAM_LOG_ROWS = 64;
/** Characters of the rows that are kept for other streams. */
export const UPSTREAM_ROWS_KEPT_CHARS_MAX = 1024 * 1024;
/** Attempts to send an event that a relay answers with `error:`. */
export const UPSTREAM_SEND_ATTEMPTS_MAX = 5;
/** Characters of a failure's text that are kept. */
export const UPSTREAM_FAILURE_CHARS_MAX = 300;
/** Bytes of one message of an upstream relay: the longest event here fits, and so does the longest NEG-MSG of strfry. */
export const UPSTREAM_MESSAGE_BYTES_MAX = 1024 * 1024;
/** What a relay allows that does not say so in its document: subscriptions, events of one filter, bytes of a message. */
export const UPSTREAM_SUBSCRIPTIONS_DEFAULT = 10;
export const UPSTREAM_LIMIT_DEFAULT = 500;
export const UPSTREAM_MESSAGE_BYTES_DEFAULT = 64 * 1024;
/** What is made use of at most, whatever its document says. */
export const UPSTREAM_SUBSCRIPTIONS_MAX = 100;
export const UPSTREAM_LIMIT_MAX = 5_000;
/** Below this number of bytes, what a document says of messages is taken for a mistake: a REQ of some keys fits. */
export const UPSTREAM_MESSAGE_BYTES_MIN = 1_024;
/** Subscriptions and comparisons that wait until a relay's limits allow them; further ones are refused. */
export const UPSTREAM_REQUESTS_WAITING_MAX = 1_000;
/** The longest that one of them waits, ms; live subscriptions may have taken all that the relay allows. */
export const UPSTREAM_WAITING_MS_MAX = 600_000;
/** Parts into which a filter is split that is longer than a relay accepts. */
export const UPSTREAM_FILTER_PARTS_MAX = 32;
/** Published events that one relay may have unanswered, and bytes of them. */
export const UPSTREAM_UNANSWERED_MAX = 64;
export const UPSTREAM_UNANSWERED_BYTES_MAX = 1024 * 1024;
/** Events that wait until fewer are unanswered; further ones are refused. */
export const UPSTREAM_PUBLISHES_WAITING_MAX = 1_000;
/** The longest wait for the OK of an event, ms. */
export const UPSTREAM_OK_MS_MAX = 60_000;
/** The longest wait for the next stored event of a subscription, or for its EOSE, ms; and for all of them together. */
export const UPSTREAM_EOSE_IDLE_MS_MAX = 30_000;
export const UPSTREAM_EOSE_MS_MAX = 600_000;
/** Events that a subscription may bring before its EOSE, beyond twice its limits: live ones are among them. */
export const UPSTREAM_EXTRA_EVENTS_MAX = 1_000;
/** The longest wait for the answer to a message of negentropy, ms. */
export const UPSTREAM_COMPARISON_MS_MAX = 60_000;
/** The longest wait for a challenge after a refusal that asks for authentication, and for the answer to a proof, ms. */
export const UPSTREAM_AUTH_MS_MAX = 10_000;
/** Challenges of one connection that are answered; a further one ends it. */
export const UPSTREAM_CHALLENGES_MAX = 5;
/** How often one request is repeated after `auth-required:`, and after `rate-limited:`. */
export const UPSTREAM_AUTH_REPEATS_MAX = 2;
export const UPSTREAM_RATE_REPEATS_MAX = 8;
/** The first pause after `rate-limited:`, ms, which doubles, and the longest. */
export const UPSTREAM_PAUSE_MS_MIN = 1_000;
export const UPSTREAM_PAUSE_MS_MAX = 60_000;
/** How long messages that answer nothing are counted, ms; then the count begins anew. */
export const UPSTREAM_NOISE_MS = 60_000;
/** Messages that are not of the protocol, in that time; a further one ends the connection. */
export const UPSTREAM_GARBAGE_MAX = 20;
/** Messages that answer nothing, in that time; a further one ends the connection if they are more than half of all. */
export const UPSTREAM_NOISE_MAX = 1_000;
/** Messages of a closed subscription that count as late, and not as unasked. */
export const UPSTREAM_LATE_MESSAGES_MAX = 5_000;
/** Subscriptions that were closed and are remembered, because their last events are still on the way. */
export const UPSTREAM_CLOSED_REMEMBERED_MAX = 64;
/** Characters of a text of a relay that are kept, for people. */
export const UPSTREAM_TEXT_CHARS_MAX = 400;
/** Ids of events that came from one relay and are not sent back to it; a power of two, 8 bytes each. */
export const UPSTREAM_ECHO_IDS_MAX = 4_096;
/** How often a conversation with an upstream relay looks for what is due, ms. */
export const UPSTREAM_TICK_MS = 1_000;
/** The longest look-up of a host's addresses, ms. */
export const UPSTREAM_DNS_MS_MAX = 5_000;
/** The longest that connecting, TLS and the handshake may take together, ms. */
export const UPSTREAM_HANDSHAKE_MS_MAX = 10_000;
/** The longest that a relay may take for its part of closing, ms. */
export const UPSTREAM_CLOSE_MS_MAX = 2_000;
/** Bytes that wait for an upstream relay that does not read, at which the connection ends. */
export const UPSTREAM_OUTBOUND_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes of an information document (NIP-11), and the longest that it may take, ms. */
export const UPSTREAM_DOCUMENT_BYTES_MAX = 64 * 1024;
export const UPSTREAM_DOCUMENT_MS_MAX = 5_000;
/** Bytes of a file of streams. */
export const STREAMS_FILE_BYTES_MAX = 1024 * 1024;
/** Arrays and objects in each other in a file of streams. */
export const STREAMS_FILE_DEPTH_MAX = 32;
/** Streams of a file. */
export const STREAMS_MAX = 1_000;
/** Characters of a stream's name. */
export const STREAM_NAME_CHARS_MAX = 100;
/** Characters of a command that is a stream's plugin. */
export const STREAM_PLUGIN_CHARS_MAX = 4_096;

// Router

/** The longest that main waits for the end of a follower whose cursor is durable, ms. */
export const FOLLOWER_STOP_MS_MAX = 5_000;
/** Targets of one kind to which events are forwarded. */
export const FORWARD_TARGETS_MAX = 100;
/** Events of one batch, at most. */
export const FORWARD_BATCH_EVENTS_MAX = 10_000;
/** Events of one batch, by default. */
export const FORWARD_BATCH_EVENTS_DEFAULT = 100;
/** The longest wait for a batch to fill, ms, by default. */
export const FORWARD_LATENCY_MS_DEFAULT = 100;
/** Bytes of events in one batch, beside one event. */
export const FORWARD_BATCH_BYTES_MAX = 1024 * 1024;
/** The newest entries of the log that the router keeps in memory, for all targets together. */
export const FORWARD_WINDOW_EVENTS_MAX = 16_384;
/** Characters of those entries. */
export const FORWARD_WINDOW_CHARS_MAX = 16 * 1024 * 1024;
/** Rows that a target which is behind them reads from SQLite at once; each may be as long as the longest event. */
export const FORWARD_READ_ROWS = 64;
/** Entries that the router takes from the log before its sockets have a turn. */
export const FORWARD_FOLLOW_ENTRIES = 1_000;
/** How often cursors that moved without a batch are stored, and lags are measured, ms. */
export const FORWARD_TICK_MS = 1_000;
/** The longest that a target may take to answer a post, or to accept a connection, ms. */
export const FORWARD_ANSWER_MS_MAX = 30_000;
/** Bytes of an answer to a post that are read. */
export const FORWARD_ANSWER_BYTES_MAX = 4 * 1024;
/** Characters of the reason that is shown of a failure. */
export const FORWARD_REASON_CHARS_MAX = 200;
/** The range of the pause before a target is tried again, ms; it doubles with each failure. */
export const FORWARD_RETRY_MS_MIN = 500;
export const FORWARD_RETRY_MS_MAX = 60_000;
/** The longest pause that a `Retry-After` brings about, ms. */
export const FORWARD_RETRY_AFTER_MS_MAX = 3_600_000;
/** Times that a target may refuse a batch before it is divided, or set aside if it holds one event. */
export const FORWARD_REFUSALS_MAX = 3;
/** Events set aside that are remembered of one target; the oldest go first. */
export const FORWARD_SET_ASIDE_MAX = 1_000;
/** Events set aside that `GET /api/forward` lists of one target. */
export const FORWARD_SET_ASIDE_SHOWN_MAX = 20;
/** What a broken TCP connection may have lost, if the target acknowledges nothing: bytes, and the age of a write, ms. */
export const FORWARD_TCP_RESENT_BYTES = 8 * 1024 * 1024;
export const FORWARD_TCP_RESENT_MS = 60_000;
/** Writes to such a target that count as one, ms from the first to the last. */
export const FORWARD_TCP_TRAIL_MS = 100;
/** Events, and their characters, of one write to a target by TCP or to a consumer. */
export const FORWARD_WRITE_EVENTS_MAX = 500;
export const FORWARD_WRITE_CHARS_MAX = 128 * 1024;
/** Events that a TCP target may leave unacknowledged before the router waits. */
export const FORWARD_TCP_UNACKED_MAX = 10_000;
/** Bytes of a line that acknowledges. */
export const FORWARD_ACK_BYTES_MAX = 256;
/** Those who fetch events, at `/ws` and at `FORWARD_TCP_PORT` each. */
export const FORWARD_CONSUMERS_MAX = 1_000;
/** Those that `GET /api/forward` lists of each kind. */
export const FORWARD_CONSUMERS_SHOWN_MAX = 100;
/** Values in the filters of all who fetch events together. */
export const FORWARD_CONSUMERS_VALUES_MAX = 1_000_000;
/** Connections at `FORWARD_TCP_PORT` from elsewhere that have not said yet who they are. */
export const FORWARD_STRANGERS_MAX = 64;
/** Bytes of the line by which a consumer at `FORWARD_TCP_PORT` says what it wants. */
export const FORWARD_HELLO_BYTES_MAX = 64 * 1024;
/** The longest wait for that line, ms; afterwards the consumer gets new events. */
export const FORWARD_HELLO_MS_MAX = 1_000;
/** Bytes of one read of what a peer by TCP says. */
export const FORWARD_PEER_READ_BYTES = 4 * 1024;
/** Bytes of the reason that a close frame holds (RFC 6455, 5.5); engines throw at a longer one. */
export const CLOSE_REASON_BYTES_MAX = 123;
/** Characters of the reason with which a consumer's socket is closed. */
export const CLOSE_REASON_CHARS_MAX = 120;
/** The longest that a peer may leave unread what waits for it before its connection is closed, ms. */
export const FORWARD_STALLED_MS_MAX = 60_000;

// Fan-out

/** Bytes of a secret key, and of the key that seals secrets. */
export const RELAY_KEY_BYTES = 32;
/** Bytes of a text that NIP-44 encrypts. */
export const NIP44_TEXT_BYTES_MAX = 65_535;
/** Random bytes that are made at once, for the nonces of payloads. */
export const RANDOM_POOL_BYTES = 12_288;
/** Bots that a registry holds. */
export const FANOUT_BOTS_MAX = 100_000;
/** Followers of one bot. */
export const FANOUT_FOLLOWERS_MAX = 1_000_000;
/** Subscriptions that a follower may make; those that bots make for it count for the bots. */
export const FANOUT_SUBSCRIPTIONS_MAX = 200;
/** Subscriptions of one follower that are served, its own first. */
export const FANOUT_SUBSCRIPTIONS_SERVED_MAX = 400;
/** Followers, or bots, of one page of a registry. */
export const FANOUT_PAGE_ROWS = 1_000;
/** Changes of a registry that an instance may be behind before it loads what it needs anew. */
export const FANOUT_CHANGES_KEPT = 10_000;
/** Characters of a bot's name, and of its address on a chain. */
export const FANOUT_NAME_CHARS_MAX = 100;
/** Characters of a shared secret. */
export const FANOUT_SECRET_CHARS_MAX = 1_024;
/** The longest that one statement of the registry in Postgres takes, ms; also a connection to it. */
export const FANOUT_POSTGRES_MS_MAX = 5_000;
/** Connections to Postgres. */
export const FANOUT_POSTGRES_CONNECTIONS_MAX = 4;
/** The pause before a registry that is away is asked again, ms. */
export const FANOUT_AWAY_MS = 1_000;
/** How old the roster may be while signals are sent, ms. */
export const FANOUT_ROSTER_MS = 50;
/** Followers whose subscriptions are loaded at one time. */
export const FANOUT_LISTENERS_LOADED_MAX = 32;
/** Sockets that one follower may have. */
export const FANOUT_LISTENERS_PER_KEY_MAX = 8;
/** The time that a socket has to prove a key, ms; and the proofs that may fail. */
export const FANOUT_PROOF_MS_MAX = 10_000;
export const FANOUT_PROOFS_FAILED_MAX = 3;
/** Keys of conversations (NIP-44) that are kept, some 300 bytes each. */
export const FANOUT_CONVERSATIONS_KEPT = 100_000;
/** Entries of the log that are read at one time. */
export const FANOUT_LOG_ROWS = 100;
/** Entries of the log without a signal after which the cursor is written all the same. */
export const FANOUT_CURSOR_ENTRIES = 1_000;
/** Signals of a bot that a follower finds again when it comes back, the newest. */
export const FANOUT_SIGNALS_KEPT = 10_000;
/** How often older ones are deleted: at seqs that this divides. */
export const FANOUT_SIGNALS_TRIM_EVERY = 64;
/** Signals that a follower who lacks some is given before the next one's turn. */
export const FANOUT_LACKED_SIGNALS = 16;
/** Signals whose texts are kept because many who were away lack the same. */
export const FANOUT_SIGNALS_CACHED = 64;
/** The longest that payloads are encrypted before the thread's other work, ms; and how many before it looks at the time. */
export const FANOUT_TURN_MS = 4;
export const FANOUT_TURN_PAYLOADS = 16;

// Pages and sockets that other actors answer

/** Bytes that wait for one socket which another actor serves, before that actor sends no more. */
export const PIPED_SOCKET_BYTES_MAX = 256 * 1024;
/** Bytes of the body of a request that another actor answers. */
export const API_BODY_BYTES_MAX = 64 * 1024;
/** The longest that an actor may take for the answer to such a request, ms. */
export const API_ANSWER_MS_MAX = 20_000;
/** Such requests that one actor answers at one time. */
export const API_PAGES_OPEN_MAX = 256;
/** The path and query of a request for such a page or socket, characters. */
export const API_TARGET_CHARS_MAX = 8 * 1024;
/** The longest text that a client may send on such a socket, characters. */
export const PIPED_TEXT_CHARS_MAX = 64 * 1024;
/** Texts of one such socket that its actor has not taken, where the engine cannot stop reading. */
export const PIPED_TEXTS_UNTAKEN_MAX = 64;
/** How often a gateway looks what has left such sockets if they read slowly, ms. */
export const PIPED_LOOK_MS = 10;
/** Sockets that read slowly for which the next look comes 1 ms later. */
export const PIPED_LOOK_SOCKETS = 100;

invariant(INDEXER_DRAIN_MS_MAX < INDEXER_STOP_MS_MAX, "the indexer has time to close after its last call");
invariant(DRAIN_MS_MAX + HAND_OVER_GRACE_MS < TAKE_OVER_MS_MAX, "a relay that hands over has time to drain");
invariant(GOODBYE_MS_MAX + INDEXER_STOP_MS_MAX < DRAIN_MS_MAX, "draining holds its parts");
invariant((LANE_BYTES & (LANE_BYTES - 1)) === 0, "LANE_BYTES is a power of two");
// A restarted verifier or store repeats at most one group of outcomes; they must find room beside the others.
invariant(
  (EVENTS_UNANSWERED_ORIGIN_MAX + GROUP_COMMIT_EVENTS_MAX) * (64 + OUTCOME_MESSAGE_BYTES_MAX) <=
    LANE_BYTES_OUTCOMES,
  "an outcome lane holds what may be unanswered",
);
invariant(LANE_BYTES_FRAMES >= 4 * FRAME_BYTES_MAX, "a lane of frames holds four of the longest");
invariant(PLUGIN_BATCH_MAX <= PLUGIN_WAITING_MAX, "no event of a batch is refused because of the others");
invariant(STORAGE_PROBE_BYTES >= 2 * GROUP_COMMIT_BYTES_MAX, "a disk that has room again has it for a group");
invariant((TAIL_BYTES & (TAIL_BYTES - 1)) === 0, "TAIL_BYTES is a power of two");
invariant(
  HELD_VALUES_MAX >= 2 * 4 * FILTER_VALUES_MAX,
  "a connection may hold several of the longest filters",
);
// An event can be longer packed than in its frame (keys of tags), and a lane must hold a few of the longest.
invariant(LANE_BYTES >= 4 * FRAME_BYTES_MAX, "a lane holds four of the longest frames");
invariant(TAIL_BYTES >= 4 * FRAME_BYTES_MAX, "the tail holds four of the longest events");
invariant(CACHED_TEXT_BYTES_MAX <= TEXT_CACHE_CHUNK_BYTES, "the longest cached text fits its memory");
invariant(
  (TEXT_CACHE_PLACES & (TEXT_CACHE_PLACES - 1)) === 0,
  "the places of cached texts are a power of two",
);
invariant(MESSAGE_BYTES_DEFAULT <= FRAME_BYTES_MAX, "the default message fits a frame");
invariant(OUTBOUND_BYTES_RANGE[0] >= FRAME_BYTES_MAX, "a slow reader's budget holds the longest frame");
invariant(
  OUTBOUND_FLOOR_BYTES >= 4 * OUTBOUND_CHECK_CHARS,
  "the floor holds a step of as many characters as it begins with",
);
invariant(HTTP_AUTH_CHARS_MAX < HTTP_HEAD_BYTES_MAX, "a request's head holds the longest authorization");
invariant(HTTP_BODY_MS_MAX <= HTTP_REQUEST_MS_MAX, "the body of a request is a part of it");
invariant(HTTP_HEAD_MS_MAX <= HTTP_REQUEST_MS_MAX, "the head of a request is a part of it");
// Over a link with the smallest segments (536 bytes), the longest frame comes in a read for each.
invariant(MESSAGE_PIECES_MAX * 536 >= FRAME_BYTES_MAX, "the longest frame may come in small segments");
invariant(QUERY_LIMIT_UNASKED_DEFAULT <= QUERY_LIMIT_DEFAULT, "what is served unasked is within the limit");
// A NEG-MSG holds the message in hex and 200 bytes of its own; other relays of this kind take no longer one by default.
invariant(2 * NEGENTROPY_FRAME_BYTES_MAX + 200 <= MESSAGE_BYTES_DEFAULT, "a NEG-MSG fits a message");
invariant(
  NEGENTROPY_READER_ITEMS_MAX >= 2 * NEGENTROPY_CONNECTION_ITEMS_MAX,
  "one client leaves room for another's session",
);
// A connection whose subscriptions and sessions are all long queries at once is within its share.
invariant(
  SUBSCRIPTIONS_DEFAULT + NEGENTROPY_SESSIONS_MAX <= READER_QUERIES_CONNECTION_MAX,
  "a reader holds what one connection may open",
);
invariant(
  2 * READER_QUERIES_CONNECTION_MAX <= READER_QUERIES_MAX,
  "one connection leaves room for others' queries",
);
invariant(
  2 * READER_QUERY_BYTES_CONNECTION_MAX <= READER_QUERY_BYTES_MAX,
  "one connection leaves room for others' filters",
);
invariant(READER_QUERY_BYTES_CONNECTION_MAX >= LANE_BYTES_QUERIES / 2, "a share holds the longest query");
invariant(
  OPENSEARCH_SEARCH_MS_MAX < OPENSEARCH_TIMEOUT_MS,
  "OpenSearch gives a search up before the relay does",
);
invariant(
  SEARCHES_AT_ONCE_CONNECTION_MAX * 2 <= SEARCHES_AT_ONCE_MAX,
  "one connection leaves room for others' searches",
);
invariant(FLUSH_EVENTS_DEFAULT <= BULK_EVENTS_MAX, "what makes the indexer send fits one bulk call");
invariant(SORT_ANSWERS_ROWS_MAX * 4 <= READER_SLICE_ROWS_MAX, "one event's answers are a part of a slice");
invariant(SORT_ANSWERS_ROWS_MAX > SORT_ANSWERS_MAX, "answers leave room for texts of theirs");
invariant(IMPORT_LINE_BYTES_MAX >= FRAME_BYTES_MAX, "what a client may send can be imported");
invariant(
  IMPORT_LINE_BYTES_MAX >= 3 * SLICE_TEXT_COUNTED_CHARS,
  "a long event is longer than one that is not counted",
);
// A record of a lane is at most half of it. A character is at most three bytes, and one event goes beyond the slice.
invariant(
  READER_SLICE_CHARS_MAX * 3 + IMPORT_LINE_BYTES_MAX + READER_SLICE_HEADERS_BYTES_MAX +
      READER_SLICE_NOTE_BYTES_MAX < LANE_BYTES / 2,
  "a slice that ends with the longest event of a store fits half of a lane",
);
