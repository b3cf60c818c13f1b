/**
 * The check of a batch's sizes, before its memory reaches code that cannot check: C through FFI, WASM.
 * A wrong size is our own mistake, whatever the items hold. Runs on any thread; holds no state.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { FRAME_WORDS, READ_WORDS } from "./frame_reader.ts";
import { ITEM_BYTES } from "./verifier.ts";

/** Throws unless the buffers hold `count` items and verdicts. */
export function checkItems(items: Uint8Array, count: number, verdicts: Uint8Array): void {
  invariant(Number.isInteger(count) && count >= 0, "a batch has a count");
  invariant(items.length >= count * ITEM_BYTES, "the items lie inside their buffer");
  invariant(verdicts.length >= count, "every item has a verdict");
}

/** Throws unless the offsets ascend inside `bytes` and there is room for `count` digests of 32 bytes. */
export function checkMessages(
  bytes: Uint8Array,
  offsets: Uint32Array,
  count: number,
  digests: Uint8Array,
): void {
  invariant(Number.isInteger(count) && count >= 0, "a batch has a count");
  invariant(offsets.length > count, "every message has a start and an end");
  invariant(digests.length >= count * 32, "every message has a digest");
  for (let i = 0; i < count; i++) invariant(offsets[i]! <= offsets[i + 1]!, "offsets ascend");
  invariant(offsets[count]! <= bytes.length, "the messages lie inside their buffer");
}

/** Throws unless the buffers hold `count` frames, what is said about each, and an item for each. */
export function checkFrames(frames: Uint32Array, count: number, read: Uint32Array, items: Uint8Array): void {
  invariant(Number.isInteger(count) && count >= 0, "a batch has a count");
  invariant(frames.length >= count * FRAME_WORDS, "the frames lie inside their buffer");
  invariant(read.length >= count * READ_WORDS, "something is said about every frame");
  invariant(items.length >= count * ITEM_BYTES, "every frame has room for an item");
}
