/**
 * The records of the tail: entries of the log, and what passes by beside it.
 *
 * ```
 *   0 seq f64 | 8 packed event (lib/nostr/packed_event.ts), or for a removal the id's 32 bytes, or nothing
 * ```
 *
 * Written on the store's thread, read on every follower's; no state.
 *
 * @module
 */

/** An event that was stored; `seq` is its place in the log. */
export const TAIL_STORED = 1;
/** An ephemeral event; `seq` is the newest entry of the log at that moment. */
export const TAIL_EPHEMERAL = 2;
/** A removal. */
export const TAIL_REMOVED = 3;
/** The log has reached `seq`. A store that succeeds one that died begins with it: followers look for what they lack. */
export const TAIL_REACHED = 4;
/** Bytes before the packed event or the id; a multiple of 8. */
export const TAIL_HEADER_BYTES = 8;
