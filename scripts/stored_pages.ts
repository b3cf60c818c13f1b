/**
 * All stored events of a filter from one relay, page by page, each once.
 * Runs in the process of a command.
 *
 * @module
 */
import { DOWNLOAD_IDS_REMEMBERED } from "../lib/limits.ts";
import { PageWalk } from "../lib/upstream/page_walk.ts";
import { fetchInParts } from "../lib/upstream/part_fetch.ts";
import type { RelayConversation } from "../lib/upstream/relay_conversation.ts";
import { withinTime } from "../lib/upstream/stream_filter.ts";
import { StreamFault, StreamReads } from "../lib/upstream/stream_reads.ts";
import type { Settle } from "../lib/upstream/batch.ts";
import type { Wanted } from "./named_relay.ts";

/** What is known when all was fetched. */
interface Fetched {
  readonly events: number;
  /** Seconds that may hold events which no page shows. */
  readonly overfullSeconds: number;
}

/**
 * Fetches them, newest first.
 *
 * @param deliver Takes an event, and says when it is dealt with.
 * @throws {StreamFault} if the relay does not answer as it should, or the connection ends.
 */
export async function fetchStored(
  conversation: RelayConversation,
  { filter, range, limit }: Wanted,
  deliver: (text: string, settle: Settle) => void,
): Promise<Fetched> {
  const reads = new StreamReads(conversation);
  const delivered = new NewestIds();
  let events = 0;
  let overfullSeconds = 0;
  const pageLimit = Math.min(limit, conversation.limits.limitMax);
  const parts = {
    reads,
    limit: pageLimit,
    deliver: (text: string, id: string, batch: { add(): Settle }) => {
      if (events >= limit || !delivered.add(id)) return;
      events++;
      deliver(text, batch.add());
      if (events === limit) reads.stop();
    },
  };
  const walk = new PageWalk(range, {
    ...parts,
    filter,
    habits: { cutEvents: Infinity, isAscending: null },
    looksClosely: false,
    unasked: () => conversation.counts.unasked,
    overfull: async (second, pageEvents) => {
      const inSecond = withinTime(filter, { since: second, until: second })!;
      if (!await fetchInParts(inSecond, pageEvents, parts)) overfullSeconds++;
    },
    covered: () => {},
  });
  try {
    await walk.run(Infinity);
  } catch (error) {
    if (!(error instanceof StreamFault) || events < limit) throw error;
  }
  return { events, overfullSeconds };
}

/** The newest ids of all that came: pages overlap by a second, and parts of a second by all of it. */
class NewestIds {
  #before = new Set<string>();
  #now = new Set<string>();

  /** Returns false if it is there. */
  add(id: string): boolean {
    if (this.#now.has(id) || this.#before.has(id)) return false;
    this.#now.add(id);
    if (this.#now.size === DOWNLOAD_IDS_REMEMBERED) {
      this.#before = this.#now;
      this.#now = new Set();
    }
    return true;
  }
}
