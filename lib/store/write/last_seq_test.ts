/** Tests of the log's numbers: none comes twice, and the newest never goes back, whatever leaves the store. */
import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { packed } from "../../../tests/support/pack_event.ts";
import { plainEvent } from "../../../tests/support/plain_event.ts";
import { seededPrng } from "../../../tests/support/prng.ts";
import { TEXT_CACHE_CHUNK_BYTES } from "../../limits.ts";
import type { NostrEvent } from "../../nostr/event.ts";
import { EventReader } from "../read/event_reader.ts";
import { EventStore } from "./event_store.ts";
import { TextCache } from "../read/text_cache.ts";
import { LogReader } from "../../log/log_reader.ts";
import { migrate } from "../keep/schema.ts";

Deno.test("the newest entry never goes back, and no number is used again, whatever comes, goes and restarts", () => {
  const random = seededPrng("the last seq");
  const int = (below: number) => random.int(0, below - 1);
  const hex = (digit: number) => String(digit).repeat(64);
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const open = () => new EventStore(db, ["wss://relay.example.com"]);
  let store = open();
  const readers = [
    new EventReader(db),
    new EventReader(db, null, new TextCache(TEXT_CACHE_CHUNK_BYTES, "strings")),
  ];
  const log = new LogReader(db);
  const used = new Set<number>();
  const sent: NostrEvent[] = [];
  let now = 1;
  let last = 0;
  const event = (): NostrEvent => {
    const kind = [1, 1, 0, 5, 62][int(5)]!;
    const tags = kind === 5
      ? sent.slice(-int(4)).map(({ id }) => ["e", id])
      : kind === 62
      ? [["relay", "ALL_RELAYS"]]
      : int(2) === 0
      ? [["expiration", String(now + 1 + int(3))]]
      : [];
    const id = (sent.length + 1).toString(16).padStart(64, "0");
    return plainEvent({ id, kind, pubkey: hex(int(4)), created_at: now, tags });
  };
  const changes: (() => void)[] = [
    () => {
      const added = event();
      sent.push(added);
      if (store.add(packed(added)) !== "stored") return;
      assert(!used.has(store.addedSeq), `${store.addedSeq} was used before`);
      used.add(store.addedSeq);
    },
    () => store.expire(++now, 1 + int(3)),
    () => store.vanishSome(),
  ];
  for (let round = 0; round < 500; round++) {
    if (int(25) === 0) store = open();
    if (int(40) === 0) store.mergeFresh();
    store.begin();
    changes[int(3)]!();
    const { removals } = store;
    if (int(10) === 0) {
      for (const { seq } of removals) assert(seq > last);
      store.rollback();
      for (const seq of used) if (seq > last) used.delete(seq);
    } else {
      store.commit();
      for (const { seq } of removals) {
        assert(!used.has(seq), `${seq} was used before`);
        used.add(seq);
      }
    }
    assert(store.lastSeq >= last, `${store.lastSeq} after ${last}`);
    last = store.lastSeq;
    assertEquals([log.lastSeq, ...readers.map((reader) => reader.refresh())], [last, last, last]);
  }
  assertEquals(used.size, last, "each number is an entry's");
});
