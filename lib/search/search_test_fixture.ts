/**
 * What the tests of search are written with: events, and an index with short ways to fill and to ask it.
 * Runs on a test's thread; holds no state but the counter that makes ids.
 *
 * @module
 */
import type { NostrEvent } from "../nostr/event.ts";
import type { Filter } from "../nostr/filter.ts";
import { searchDocument } from "./search_document.ts";
import type { BulkResult, IndexChange, SearchIndex } from "./search_index.ts";

/** The moment of every search that names none, seconds; all events of the suite are older. */
export const NOW = 2_000_000;

/** Tests of the shared suite by their names; each gets an index of its own, which holds nothing. */
export type SuiteCases = Readonly<Record<string, (index: IndexUnderTest) => Promise<void>>>;

/** An index, and short ways to fill and to ask it. */
export class IndexUnderTest {
  #seq = 0;

  constructor(readonly index: SearchIndex) {}

  /** Adds events in one bulk and makes them visible. */
  async add(...events: NostrEvent[]): Promise<BulkResult> {
    return await this.apply(events.map((event) => addition(++this.#seq, event)));
  }

  /** Removes events in one bulk and makes it visible. */
  async remove(...events: NostrEvent[]): Promise<BulkResult> {
    return await this.apply(events.map(({ id }) => ({ type: "remove", seq: ++this.#seq, id })));
  }

  async apply(changes: readonly IndexChange[]): Promise<BulkResult> {
    const result = await this.index.apply(changes);
    await this.index.refresh();
    return result;
  }

  /** The ids that a text finds, best first. */
  async find(search: string, filter: Partial<Filter> = {}, now = NOW): Promise<readonly string[]> {
    const { ids } = await this.index.search({ filter: { tags: [], limit: 100, search, ...filter }, now });
    return ids;
  }
}

/** The change that adds an event. */
export function addition(seq: number, event: NostrEvent): IndexChange {
  return { type: "add", seq, id: event.id, document: searchDocument(event) };
}

let made = 0;

/** A new event with a text. Each is a second newer than the one before; signatures are none of the index's business. */
export function note(content: string, fields: Partial<NostrEvent> = {}): NostrEvent {
  made++;
  return {
    id: (0xabc0_0000 + made).toString(16).padStart(64, "0"),
    pubkey: "1".repeat(64),
    created_at: 1_000_000 + made,
    kind: 1,
    tags: [],
    content,
    sig: "0".repeat(128),
    ...fields,
  };
}

/** A new profile (kind 0). */
export function profile(fields: Record<string, unknown>): NostrEvent {
  return note(JSON.stringify(fields), { kind: 0 });
}

/** The ids of events, in their order. */
export function ids(...events: NostrEvent[]): string[] {
  return events.map((event) => event.id);
}
