/**
 * Fetches events by their ids, in filters that fit the relay's limits, a few of them at one time.
 * Runs on the thread of the stream that fetches; no state.
 *
 * @module
 */
import { UPSTREAM_BATCHES_UNSETTLED_MAX, UPSTREAM_IDS_PER_FILTER_MAX } from "../limits.ts";
import { Batch } from "./batch.ts";
import type { PoliteLimits } from "./relay_conversation.ts";
import { StreamFault, type StreamReads } from "./stream_reads.ts";

/** What a fetch works with. */
interface IdFetchParts {
  readonly reads: StreamReads;
  readonly limits: PoliteLimits;
  /** Takes an event that was asked for. */
  readonly deliver: (text: string, id: string, batch: Batch) => void;
}

/** Bytes of an id in a filter, and of what stands around a list of them. */
const LISTED_ID_BYTES = 67;
const REQUEST_HEADER_BYTES = 200;

/**
 * Fetches the events with these ids; all of them are settled when it returns.
 *
 * @returns how many of them the relay did not send: it has removed them since, or hides them.
 * @throws {StreamFault} if the relay ends a request, or an event could not be stored.
 */
export async function fetchIds(ids: readonly string[], parts: IdFetchParts): Promise<number> {
  const { limitMax, messageBytesMax } = parts.limits;
  const fitting = Math.floor((messageBytesMax - REQUEST_HEADER_BYTES) / LISTED_ID_BYTES);
  const size = Math.max(1, Math.min(UPSTREAM_IDS_PER_FILTER_MAX, limitMax, fitting));
  let next = 0;
  let missing = 0;
  async function lane(): Promise<void> {
    while (next < ids.length) {
      const chunk = ids.slice(next, next += size);
      missing += await fetchChunk(chunk, parts);
    }
  }
  await Promise.all(Array.from({ length: UPSTREAM_BATCHES_UNSETTLED_MAX }, lane));
  return missing;
}

/** Asks again for what did not come, until nothing comes: the answer may have been cut. */
async function fetchChunk(ids: readonly string[], { reads, deliver }: IdFetchParts): Promise<number> {
  const wanted = new Set(ids);
  const batch = new Batch();
  try {
    for (let before = Infinity; wanted.size > 0 && wanted.size < before;) {
      before = wanted.size;
      const reason = await reads.events({ ids: [...wanted], limit: wanted.size }, (text, id) => {
        if (wanted.delete(id)) deliver(text, id, batch);
      });
      if (reason !== null) throw new StreamFault(reason);
    }
  } finally {
    batch.close();
  }
  if (!await batch.settled) throw new StreamFault("events that were fetched by id could not be stored");
  return wanted.size;
}
