/**
 * What hostile clients can make a relay hold at most, from the limits: what SECURITY.md states.
 * Runs on any thread; constants only.
 *
 * @module
 */
import {
  EVENT_BYTES_UNANSWERED_MAX,
  FRAME_BYTES_MAX,
  HELD_TOTAL_CHARS_MAX,
  HELD_VALUES_TOTAL_BYTES_MAX,
  HTTP_HEAD_BYTES_MAX,
  MANAGEMENT_BODY_BYTES_MAX,
  NEGENTROPY_READER_ITEMS_MAX,
  OUTBOUND_FLOOR_BYTES,
  OUTBOUND_TOTAL_BYTES_MAX,
  READER_QUERY_BYTES_MAX,
  TEXT_CACHE_TOTAL_BYTES_MAX,
} from "../../../lib/limits.ts";

/** Bytes of one item of a session of negentropy. */
const NEGENTROPY_ITEM_BYTES = 40;
/** What V8 holds of what was let go until it collects it, bytes, for all threads. */
const GARBAGE_BYTES = 256 * 1024 * 1024;

/** Bytes beyond those of a quiet relay, with one reader, that so many hostile connections can take. */
export function takenAtMostBytes(connections: number): number {
  const inbound = EVENT_BYTES_UNANSWERED_MAX + FRAME_BYTES_MAX + HTTP_HEAD_BYTES_MAX +
    MANAGEMENT_BODY_BYTES_MAX + OUTBOUND_FLOOR_BYTES;
  const shared = OUTBOUND_TOTAL_BYTES_MAX + TEXT_CACHE_TOTAL_BYTES_MAX + HELD_VALUES_TOTAL_BYTES_MAX +
    2 * HELD_TOTAL_CHARS_MAX + READER_QUERY_BYTES_MAX +
    NEGENTROPY_READER_ITEMS_MAX * NEGENTROPY_ITEM_BYTES;
  return shared + connections * inbound + GARBAGE_BYTES;
}
