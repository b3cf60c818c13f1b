/**
 * Tests of lists of relays in our own store. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createTailMemory } from "../../lib/log/tail.ts";
import { EventStore } from "../../lib/store/write/event_store.ts";
import { RelaySources } from "../../lib/upstream/relay_sources.ts";
import { memoryStore } from "../../tests/support/memory_store.ts";
import { packed } from "../../tests/support/pack_event.ts";
import { key, NOW, plainEvent } from "../../tests/support/plain_event.ts";
import { RelayLists } from "./relay_lists.ts";

const rest = () => Promise.resolve();

function list(id: string, author: string, urls: readonly string[], at = NOW) {
  const tags = urls.map((url) => ["r", url]);
  return plainEvent({ id: key(id), pubkey: key(author), kind: 10_002, tags, created_at: at });
}

Deno.test("lists that are stored count, for those who are followed, and give way to newer ones", async () => {
  const db = memoryStore(list("1", "a", ["wss://a.example"]), list("2", "b", ["wss://b.example"]));
  const store = new EventStore(db);
  const sources = new RelaySources();
  const lists = new RelayLists(db, createTailMemory(1 << 20), sources);
  const urls = () => [...sources.relays(100).relays.keys()];
  assertEquals(lists.hasMore, false, "nobody is followed");
  await lists.use({ follows: [key("a")], monitors: [] }, rest);
  assertEquals(urls(), ["wss://a.example"]);

  store.begin();
  store.add(packed(list("3", "a", ["wss://c.example", "wss://d.example"], NOW + 1)));
  store.add(packed(list("4", "b", ["wss://e.example"], NOW + 1)));
  store.commit();
  lists.follow();
  assertEquals(urls(), ["wss://c.example", "wss://d.example"]);

  await lists.use({ follows: [key("b")], monitors: [] }, rest);
  assertEquals(urls(), ["wss://e.example"]);

  store.begin();
  const deletion = plainEvent({
    id: key("5"),
    pubkey: key("b"),
    kind: 5,
    tags: [["e", key("4")]],
    created_at: NOW + 2,
  });
  store.add(packed(deletion));
  store.commit();
  lists.follow();
  assertEquals(urls(), []);
});

Deno.test("a monitor has a report for each relay", async () => {
  const report = (id: string, url: string) =>
    plainEvent({ id: key(id), pubkey: key("a"), kind: 30_166, tags: [["d", url]] });
  const db = memoryStore(report("1", "wss://a.example"), report("2", "wss://b.example"));
  const sources = new RelaySources();
  const lists = new RelayLists(db, createTailMemory(1 << 20), sources);
  await lists.use({ follows: [], monitors: [key("a")] }, rest);
  assertEquals([...sources.relays(100).relays.keys()].sort(), ["wss://a.example", "wss://b.example"]);
});
