/**
 * The store's inbox: packed events, as a verifier writes them into its lane. Its outbox is the tail
 * (`lib/log/tail_entry.ts`).
 *
 * ```
 *   packed lane:  0 epoch u32 | 4 connection u32 | 8 received at, ms f64 | 16 origin u32 | 20 flags u32
 *                24 packed event (lib/nostr/packed_event.ts)
 * ```
 *
 * Written on verifiers' threads, read on the store's.
 *
 * @module
 */

/** The one record type of the packed lanes. */
export const PACKED = 1;
/** Bytes before the packed event; a multiple of 8. */
export const PACKED_HEADER_BYTES = 24;
