/** Tests of a set that is gathered in slices: what is not to be known of by then is left out of the rest. */
import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { NEGENTROPY_SLICE_ROWS_MAX, SCAN_ROW_CHARS } from "../../lib/limits.ts";
import type { NostrEvent } from "../../lib/nostr/event.ts";
import { parseFilter } from "../../lib/nostr/filter.ts";
import { PrivateKinds } from "../../lib/policy/private_kinds.ts";
import { ReadGate } from "../../lib/policy/read_gate.ts";
import { EventReader } from "../../lib/store/read/event_reader.ts";
import { EventStore } from "../../lib/store/write/event_store.ts";
import { migrate } from "../../lib/store/keep/schema.ts";
import { packed } from "../../tests/support/pack_event.ts";
import type { JobParts } from "./jobs.ts";
import { SyncJob } from "./sync_job.ts";

const NOW = 1_000;
/** The longest text's part of a slice. */
const LONG = "x".repeat(NEGENTROPY_SLICE_ROWS_MAX * SCAN_ROW_CHARS / 5);
const hex = (n: number) => n.toString(16).padStart(64, "0");

/** The newest first: six that fill a slice, and nine short ones that are fetched with them. */
const NOTES = Array.from({ length: 15 }, (_, n): NostrEvent => ({
  id: hex(n + 1),
  pubkey: "a".repeat(64),
  created_at: 900 - n,
  kind: 1,
  tags: n === 9 ? [["expiration", "1001"]] : [],
  content: n < 6 ? LONG : "short",
  sig: "0".repeat(128),
}));

function add(store: EventStore, ...events: NostrEvent[]): void {
  store.begin();
  for (const event of events) store.add(packed(event));
  store.commit();
}

for (const removes of [true, false]) {
  const what = removes ? "was removed, has expired or was banned" : "has expired or was banned";
  Deno.test(`what ${what} between two slices is not in the set`, () => {
    const db = new DatabaseSync(":memory:");
    migrate(db, ":memory:");
    const store = new EventStore(db, []);
    add(store, ...NOTES);
    const clock = { now: NOW };
    const bannedEvents = new Set<string>();
    const reader = new EventReader(db);
    const parts = {
      reader,
      gate: new ReadGate(new PrivateKinds(new Set()), { bannedPubkeys: new Set(), bannedEvents }),
      nowSeconds: () => clock.now,
    } as unknown as JobParts;
    const query = {
      epoch: 1,
      number: 1,
      connection: 1,
      type: "sync" as const,
      filters: [parseFilter({ kinds: [1] }, { limitMax: 100, limitDefault: 100 })],
      position: { filter: 0, scan: null },
      seqMax: 0,
      now: NOW,
      message: "61",
      keys: [],
    };
    const sync = { eventsMax: 100, fullSet: null, nowSeconds: () => clock.now };
    const job = new SyncJob({ query, gateway: 0, bytes: 0 }, parts, sync);
    assertEquals([job.next(true), job.items < 7], [null, true]);
    // Of the short ones: the tenth expires.
    clock.now = 1_001;
    bannedEvents.add(hex(11));
    const deletion = {
      ...NOTES[0]!,
      id: hex(99),
      kind: 5,
      tags: [["e", hex(12)]],
      content: "",
      created_at: 950,
    };
    if (removes) add(store, deletion);
    for (let times = 0; times < 5 && job.next(true) === null; times++);
    assertEquals(job.items, removes ? 12 : 13);
  });
}
