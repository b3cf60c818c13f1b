/**
 * The verifier's inbox: frames, as an origin (a gateway, or control) writes them into its lane.
 *
 * ```
 *   0 epoch u32 | 4 connection u32 | 8 received at, ms f64 | 16 flags u32 | 20 authenticated keys u32 (n)
 *  24 address bytes u32 | 28 -
 *  32 n keys, 32 bytes each | the client's address, where a plugin wants it | the message's text, UTF-8
 * ```
 *
 * Written on the origin's thread, read on the verifier's.
 *
 * @module
 */

/** The one record type of these lanes. */
export const FRAME = 1;
/** Bytes before the keys. */
export const FRAME_HEADER_BYTES = 32;
/** Set for events whose signature is not to be verified (import with `--no-verify`). */
export const FRAME_TRUSTED = 1;
/** Set for events that the operator imports: policies about their sender do not apply. */
export const FRAME_IMPORTED = 2;
/** Set for imported events that may have any length and any number of tags (import with `--no-limits`). */
export const FRAME_ANY_SIZE = 4;
