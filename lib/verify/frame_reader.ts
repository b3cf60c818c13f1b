/**
 * What a tier offers that reads frames itself: a batch of `["EVENT",{...}]` as bytes, parsed, hashed and packed in one
 * call (`native/frames/`). It takes only what it is sure of, refuses nothing, and leaves the rest to JavaScript.
 * Belongs to the thread that opened the tier.
 *
 * ```
 *   a frame:       0 source u32 | 4 offset u32 | 8 bytes u32 | 12 -
 *   what it holds: 0 packed at u32 | 4 packed bytes u32, 0: look yourself | 8 tags u32 | 12 content characters u32
 *                 16 traits u32 | 20 - 24 - 28 -
 * ```
 *
 * @module
 */

/** Words of a frame's entry. */
export const FRAME_WORDS = 4;
/** Words of what is said about a frame. */
export const READ_WORDS = 8;
/** A tag `-` (NIP-70). */
export const TRAIT_PROTECTED = 1;
/** The content of a repost may hold an event with such a tag. */
export const TRAIT_MAY_EMBED_PROTECTED = 2;

/** See the module's text. */
export interface FrameReader {
  /** Gives a memory the number by which frames name it. It must not move: shared memory, or an `ArrayBuffer` of its own. */
  attach(source: number, bytes: Uint8Array): void;
  /**
   * Reads `count` frames: packs events into `packed`, says about each frame what it holds, and writes what a signature
   * needs into `items`, one item a packed event. Returns the number of items. Never throws for any content.
   */
  read(frames: Uint32Array, count: number, packed: Uint8Array, read: Uint32Array, items: Uint8Array): number;
}
