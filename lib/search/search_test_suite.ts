/**
 * The suite that every search backend passes. Each test has an index of its own.
 * Runs on a test's thread; holds no state but the counter that makes ids.
 *
 * @module
 */
import type { NostrEvent } from "../nostr/event.ts";
import type { Filter } from "../nostr/filter.ts";
import { filterCases } from "./filter_test_cases.ts";
import { rankingCases } from "./ranking_test_cases.ts";
import type { BulkResult, IndexChange, SearchIndex } from "./search_index.ts";
import { textCases } from "./text_test_cases.ts";
import { writingCases } from "./writing_test_cases.ts";

/** The moment of every search that names none, seconds; all events of the suite are older. */
export const NOW = 2_000_000;

/** One backend under test. */
export interface Backend {
  readonly name: string;
  /** Opens an index that holds nothing, prepared. */
  open(): Promise<SearchIndex>;
  /** Closes it and removes what it left. */
  close(index: SearchIndex): Promise<void>;
  /** Whether the run does without this backend. */
  readonly ignore?: boolean;
}

/** Registers one test on an index of its own. */
export type SuiteTest = (name: string, run: (index: IndexUnderTest) => Promise<void>) => void;

/** Registers the whole suite for one backend. */
export function testSearchIndex(backend: Backend): void {
  function test(name: string, run: (index: IndexUnderTest) => Promise<void>): void {
    Deno.test({
      name: `${backend.name} ${name}`,
      ignore: backend.ignore ?? false,
      async fn() {
        const index = await backend.open();
        try {
          await run(new IndexUnderTest(index));
        } finally {
          await backend.close(index);
        }
      },
    });
  }
  rankingCases(test);
  filterCases(test);
  textCases(test);
  writingCases(test);
}

/** An index, and short ways to fill and to ask it. */
export class IndexUnderTest {
  #seq = 0;

  constructor(readonly index: SearchIndex) {}

  /** Adds events in one bulk and makes them visible. */
  async add(...events: NostrEvent[]): Promise<BulkResult> {
    return await this.apply(events.map((event) => ({ type: "add", seq: ++this.#seq, event })));
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
