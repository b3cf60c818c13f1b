/** Tests of a query's slices: what is removed or expires between two of them is in none that follows. */
import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { READER_SLICE_CHARS_MAX } from "../../lib/limits.ts";
import { parseFilter } from "../../lib/nostr/filter.ts";
import type { NostrEvent } from "../../lib/nostr/event.ts";
import { PrivateKinds } from "../../lib/policy/private_kinds.ts";
import { ReadGate } from "../../lib/policy/read_gate.ts";
import type { SearchReader } from "../../lib/search/search_index.ts";
import type { AnswerCounts } from "../../lib/store/read/answer_counts.ts";
import { EventReader } from "../../lib/store/read/event_reader.ts";
import { EventStore } from "../../lib/store/write/event_store.ts";
import { idOf } from "../../lib/nostr/exact.ts";
import { migrate } from "../../lib/store/keep/schema.ts";
import { packed } from "../../tests/support/pack_event.ts";
import { Job } from "./jobs.ts";

const AUTHOR = "a".repeat(64);
const NOW = 1_000;
/** Three of them fill a slice, and all are fetched at once. */
const CONTENT = "x".repeat(READER_SLICE_CHARS_MAX / 3);
const hex = (n: number) => n.toString(16).padStart(64, "0");
/** The newest first. */
const NOTES = Array.from({ length: 9 }, (_, n): NostrEvent => ({
  id: hex(n + 1),
  pubkey: AUTHOR,
  created_at: 900 - n,
  kind: 1,
  tags: n === 5 ? [["expiration", "1001"]] : [],
  content: CONTENT,
  sig: "0".repeat(128),
}));

function add(store: EventStore, ...events: NostrEvent[]): void {
  store.begin();
  for (const event of events) store.add(packed(event));
  store.commit();
}

/** A query over a store that holds the notes, and the clock that it goes by. */
function open(filter: Record<string, unknown>) {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const store = new EventStore(db, []);
  add(store, ...NOTES);
  const reader = new EventReader(db);
  const clock = { now: NOW };
  const search = { search: () => Promise.resolve({ ids: NOTES.map(({ id }) => id) }) };
  const job = new Job(
    {
      query: {
        epoch: 1,
        number: 1,
        connection: 1,
        type: "rows",
        filters: [parseFilter(filter, { limitMax: 100, limitDefault: 100 })],
        position: { filter: 0, scan: null },
        seqMax: reader.refresh(),
        now: NOW,
        message: "",
        keys: [],
      },
      gateway: 0,
      bytes: 0,
    },
    {
      reader,
      search: search as unknown as SearchReader,
      isSearchWhole: () => true,
      answers: {} as AnswerCounts,
      gate: new ReadGate(new PrivateKinds(new Set()), { bannedPubkeys: new Set(), bannedEvents: new Set() }),
      nowSeconds: () => clock.now,
      pause: () => Promise.resolve(),
    },
  );
  return { store, job, clock, reader };
}

/** The ids of a slice, as numbers. */
function idsOf(texts: readonly string[]): number[] {
  return texts.map((text) => parseInt(idOf(text), 16));
}

function deletion(...numbers: number[]): NostrEvent {
  const tags = numbers.map((n) => ["e", hex(n)]);
  return { ...NOTES[0]!, id: hex(99), kind: 5, tags, content: "", created_at: 950 };
}

for (const filter of [{ authors: [AUTHOR] }, { search: "notes" }]) {
  const kind = "search" in filter ? "found" : "scanned";
  Deno.test(`what was ${kind} and then removed, or has expired, is in no later slice`, async () => {
    const { store, job, clock } = open({ ...filter, kinds: [1] });
    if (job.needsSearch) await job.search();
    const first = job.next();
    assertEquals([first.state, idsOf(first.texts)], ["more", [1, 2, 3]]);
    add(store, deletion(4, 7));
    clock.now = 1_001;
    const later: number[] = [];
    for (let state = "more"; state === "more";) {
      const slice = job.next();
      later.push(...idsOf(slice.texts));
      state = slice.state;
    }
    assertEquals(later, [5, 8, 9]);
  });
}

Deno.test("of a slice that waited it is told which of its events are gone", () => {
  const { store, job, reader } = open({ authors: [AUTHOR], kinds: [1] });
  const { seqs, texts, note } = job.next();
  reader.refresh();
  assertEquals(seqs.map((seq, n) => reader.goneSince(note.removal!)(seq, texts[n]!)), [false, false, false]);
  add(store, deletion(2));
  reader.refresh();
  const isGone = reader.goneSince(note.removal!);
  assertEquals(seqs.map((seq, n) => isGone(seq, texts[n]!)), [false, true, false]);
});
