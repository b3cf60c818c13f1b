/** Tests of the one read of the log: by the tail, from SQLite, and what may not be sent any more. */
import { assertEquals } from "@std/assert";
import type { LogPlace } from "../../lib/forward/log_window.ts";
import { idOf } from "../../lib/nostr/exact.ts";
import { key, plainEvent } from "../../tests/support/plain_event.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { FedStore } from "./feed_test_fixture.ts";
import type { LogFeed } from "./log_feed.ts";

const random = seededPrng("a feed of the router");
const BOUNDS = { events: 10, chars: 100_000 };

function makeEvent(fields: Parameters<typeof plainEvent>[0] = {}) {
  return plainEvent({ id: random.hex(32), ...fields });
}

/** Everything that follows a place, read on and on. */
function readAll(feed: LogFeed, from: LogPlace): { ids: string[]; after: LogPlace } {
  const ids: string[] = [];
  for (let place = from;;) {
    const { events, after, isEnd } = feed.read(place, BOUNDS);
    ids.push(...events.map(({ text }) => idOf(text)));
    if (isEnd) return { ids, after };
    place = after;
  }
}

Deno.test("a feed gives the same from SQLite, from the tail, and where the tail was lapped", () => {
  using store = new FedStore();
  const events = Array.from({ length: 200 }, () => makeEvent());
  const ids = events.map(({ id }) => id);
  for (const event of events.slice(0, 90)) store.write(event);
  const feed = store.feed();
  assertEquals(readAll(feed, feed.end).ids, []);
  const first = readAll(feed, { seq: 0, place: null });
  assertEquals(first.ids, ids.slice(0, 90));
  for (const event of events.slice(90, 92)) store.write(event);
  feed.follow();
  const second = readAll(feed, first.after);
  assertEquals(second.ids, ids.slice(90, 92));
  for (const event of events.slice(92)) store.write(event);
  while (!feed.follow());
  assertEquals(readAll(feed, second.after).ids, ids.slice(92));
  assertEquals(readAll(feed, { seq: 0, place: null }).ids, ids);
});

Deno.test("what is removed, banned or ephemeral goes to those only who may have it", () => {
  using store = new FedStore();
  const feed = store.feed({ kinds: [1, 20_001] });
  const start = feed.end;
  const [kept, removed, banned] = [makeEvent(), makeEvent(), makeEvent({ pubkey: key("b") })];
  for (const event of [kept, removed, banned]) store.write(event);
  feed.follow();
  const read = feed.read(start, BOUNDS);
  assertEquals(read.events.map((event) => feed.maySend(event)), [true, true, true]);
  store.write(makeEvent({ kind: 5, tags: [["e", removed.id]] }));
  const ephemeral = makeEvent({ kind: 20_001 });
  store.write(ephemeral);
  store.banned.bannedPubkeys.add(key("b"));
  feed.follow();
  assertEquals(read.events.map((event) => feed.maySend(event)), [true, false, false]);
  assertEquals(readAll(feed, start).ids, [kept.id, ephemeral.id]);
  assertEquals(readAll(feed, { seq: 0, place: null }).ids, [kept.id, ephemeral.id]);
  assertEquals(readAll(feed, readAll(feed, start).after).ids, []);
  // Who comes later has no part in what passed.
  assertEquals(readAll(feed, { seq: feed.endSeq, place: null }).ids, []);
});

Deno.test("who waits is woken by what follows, by its own end and by the feed's", async () => {
  using store = new FedStore();
  const feed = store.feed();
  const leave = new AbortController();
  const more = feed.more(feed.end);
  const left = feed.more(feed.end, leave.signal);
  const closed = feed.more({ seq: 99, place: null });
  store.write(makeEvent());
  feed.follow();
  await more;
  leave.abort();
  await left;
  await feed.change(1);
  feed.close();
  await closed;
  await feed.more(feed.end);
  assertEquals(feed.isClosed, true);
});
