/**
 * The bounds of the checker: what it asks of somebody else's relay stays small. Runs anywhere; constants only.
 *
 * @module
 */

/** The longest wait for an answer unless `--timeout` says otherwise, ms. */
export const ANSWER_MS_DEFAULT = 5_000;
/** Between two looks for something that comes with a delay, ms. */
export const LOOK_EVERY_MS = 100;
/** The longest wait for an index or a clock behind the relay: searches, expirations, ms. */
export const DELAY_MS_MAX = 20_000;
/** How often an answer `rate-limited:` is taken as "later". */
export const RETRIES_MAX = 5;
/** The pause after `rate-limited:`, ms; it doubles each time. */
export const RETRY_PAUSE_MS = 500;
/** Messages of one connection that nobody took. */
export const INBOX_MESSAGES_MAX = 20_000;
/** The most work that is mined for an event, bits: about a second. */
export const WORK_BITS_MAX = 18;
/** The largest message that is sent to try a relay's own limit, bytes. */
export const PROBE_BYTES_MAX = 4 * 1024 * 1024;
/** The most subscriptions that are opened to try a relay's own limit. */
export const PROBE_SUBSCRIPTIONS_MAX = 500;
/** The most tags that are sent to try a relay's own limit. */
export const PROBE_TAGS_MAX = 20_000;
/** The most events that are asked for to try a relay's own limit. */
export const PROBE_LIMIT_MAX = 5_000;
/** The longest wait for a relay that the checker starts, ms. */
export const START_MS_MAX = 60_000;
/** The longest a relay that the checker ends may take, ms. */
export const STOP_MS_MAX = 20_000;
/** The longest wait for somebody else's relay to come back, ms. */
export const RETURN_MS_MAX = 15_000;
