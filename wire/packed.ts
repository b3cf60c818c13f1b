/**
 * The store's inbox: packed events, as a verifier writes them into its lane; and its outbox, the tail.
 *
 * ```
 *   packed lane:  0 epoch u32 | 4 connection u32 | 8 received at, ms f64 | 16 origin u32 | 20 flags u32
 *                24 packed event (lib/nostr/packed_event.ts)
 *   tail:         0 seq f64 | 8 packed event, or for a removal the id's 32 bytes, or nothing
 * ```
 *
 * Written on verifiers' threads, read on the store's; the tail is read on every follower's thread.
 *
 * @module
 */

/** The one record type of the packed lanes. */
export const PACKED = 1;
/** Bytes before the packed event; a multiple of 8. */
export const PACKED_HEADER_BYTES = 24;

/** Tail: an event that was stored; `seq` is its place in the log. */
export const TAIL_STORED = 1;
/** Tail: an ephemeral event; `seq` is the newest entry of the log at that moment. */
export const TAIL_EPHEMERAL = 2;
/** Tail: a removal. */
export const TAIL_REMOVED = 3;
/**
 * Tail: the log has reached `seq`. A store that follows one that died begins with it: followers look for what they lack.
 */
export const TAIL_REACHED = 4;
/** Bytes before the packed event in the tail. */
export const TAIL_HEADER_BYTES = 8;
