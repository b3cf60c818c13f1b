/** Tests of the set of all events: whatever happens to the store while it is read and followed, it ends as the store is. */
import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { seededPrng } from "../../../tests/support/prng.ts";
import { packed } from "../../../tests/support/pack_event.ts";
import { racingDatabase } from "../../../tests/support/racing_database.ts";
import type { ItemStorage } from "../../negentropy/storage.ts";
import type { NostrEvent } from "../../nostr/event.ts";
import { EventStore } from "../write/event_store.ts";
import { FullSet } from "./full_set.ts";
import { migrate } from "../keep/schema.ts";

const NOW = 1_700_000_000;
const PRIVATE = 1_059;
const KEYS = ["1", "2", "3"].map((digit) => digit.repeat(64));

function open(itemsMax = 1_000_000) {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const store = new EventStore(db);
  const view = {
    isPrivate: (kind: number) => kind === PRIVATE,
    bannedPubkeys: new Set<string>(),
    bannedEvents: new Set<string>(),
  };
  const write = (work: () => void) => {
    store.begin();
    work();
    store.commit();
  };
  const add = (...events: NostrEvent[]) => write(() => events.forEach((event) => store.add(packed(event))));
  return { db, store, view, write, add, set: () => new FullSet(db, view, { itemsMax }) };
}

let made = 0;

function event(fields: Partial<NostrEvent> = {}): NostrEvent {
  return {
    id: (Math.imul(++made, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0").repeat(8),
    pubkey: KEYS[0]!,
    created_at: 1_000 + made,
    kind: 1,
    tags: [],
    content: "",
    sig: "0".repeat(128),
    ...fields,
  };
}

/** Ids in the order of the set. */
function idsOf(storage: ItemStorage | null): string[] | null {
  if (storage === null) return null;
  return Array.from({ length: storage.size }, (_, i) => storage.item(i).id.toHex());
}

function inOrder(events: readonly NostrEvent[]): string[] {
  const sorted = events.toSorted((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));
  return sorted.map(({ id }) => id);
}

/** What everybody may see of the store now, the simple way. */
function visible({ db, view }: ReturnType<typeof open>): string[] {
  const events = db.prepare("SELECT text, expires_at FROM body").all()
    .filter(({ expires_at }) => expires_at === 0 || (expires_at as number) > NOW)
    .map(({ text }) => JSON.parse(text as string) as NostrEvent);
  return inOrder(
    events.filter(({ id, kind, pubkey }) =>
      kind !== PRIVATE && !view.bannedPubkeys.has(pubkey) && !view.bannedEvents.has(id)
    ),
  );
}

function finish(set: FullSet): void {
  for (let steps = 0; !set.step(100); steps++) assert(steps < 10_000, "it ends");
}

Deno.test("FullSet holds all events in the order of time and id, once it has read them", () => {
  const relay = open();
  const events = Array.from({ length: 500 }, (_, i) => event({ created_at: i >> 2 }));
  relay.add(...events);
  const set = relay.set();
  assertEquals(set.current(1_000, NOW), null, "it has read nothing");
  finish(set);
  assertEquals(idsOf(set.current(10, NOW)), inOrder(events));
});

Deno.test("FullSet leaves out private kinds, and what has expired before the store removes it", () => {
  const relay = open();
  const plain = event();
  const expiring = event({ tags: [["expiration", String(NOW + 10)]] });
  relay.add(plain, event({ kind: PRIVATE }), expiring);
  const set = relay.set();
  finish(set);
  assertEquals(idsOf(set.current(10, NOW + 9)), inOrder([plain, expiring]));
  assertEquals(idsOf(set.current(10, NOW + 10)), [plain.id]);
  relay.write(() => relay.store.expire(NOW + 10, 10));
  assertEquals(idsOf(set.current(10, NOW + 10)), [plain.id]);
});

Deno.test("FullSet is no answer while it is behind, or while somebody vanishes", () => {
  const relay = open();
  const set = relay.set();
  finish(set);
  const events = Array.from({ length: 20 }, () => event({ pubkey: KEYS[1]! }));
  relay.add(...events);
  assertEquals(set.current(10, NOW), null, "more is new than may be read");
  finish(set);
  const request = event({
    kind: 62,
    pubkey: KEYS[1]!,
    created_at: NOW,
    tags: [["relay", "ALL_RELAYS"]],
  });
  relay.add(request);
  assertEquals(set.current(1_000, NOW), null, "his events are in the store");
  while (relay.store.isVanishing) relay.write(() => relay.store.vanishSome());
  assertEquals(idsOf(set.current(1_000, NOW)), visible(relay));
});

Deno.test("FullSet carries out bans and takes them back", () => {
  const relay = open();
  const [bad, good, single] = [event({ pubkey: KEYS[1]! }), event(), event()];
  relay.add(bad, good, single, ...Array.from({ length: 30 }, () => event({ pubkey: KEYS[1]! })));
  relay.view.bannedEvents.add(single.id);
  const set = relay.set();
  finish(set);
  relay.view.bannedPubkeys.add(KEYS[1]!);
  set.bansChanged();
  assertEquals(set.current(1_000, NOW), null, "the ban is not carried out");
  for (let step = 0; step < 10; step++) set.step(7);
  assertEquals(idsOf(set.current(1_000, NOW)), [good.id]);
  relay.add(event({ pubkey: KEYS[1]! }));
  relay.view.bannedPubkeys.clear();
  relay.view.bannedEvents.clear();
  relay.view.bannedEvents.add(good.id);
  set.bansChanged();
  finish(set);
  assertEquals(idsOf(set.current(1_000, NOW)), visible(relay));
  assert(!visible(relay).includes(good.id));
});

Deno.test("FullSet gives up beyond its bound", () => {
  const relay = open(10);
  relay.add(...Array.from({ length: 11 }, () => event()));
  const set = relay.set();
  for (let step = 0; step < 5; step++) set.step(100);
  assertEquals([set.isGivenUp, set.size, set.current(100, NOW)], [true, 0, null]);
});

Deno.test("FullSet ends as the store is, whatever happens while it is built and followed", () => {
  const prng = seededPrng("the full set");
  for (let round = 0; round < 20; round++) {
    const relay = open();
    const events: NostrEvent[] = [];
    const something = () => {
      const fresh = Array.from({ length: prng.int(0, 8) }, () =>
        event({
          pubkey: prng.pick(KEYS),
          kind: prng.pick([1, 1, 1, 0, 3, PRIVATE]),
          created_at: prng.int(0, 60),
          tags: prng.pick([[], [], [["expiration", String(NOW - 1)]], [["expiration", String(NOW + 1)]]]),
        }));
      events.push(...fresh);
      relay.add(...fresh);
      const target = prng.pick([...events, event()]);
      if (prng.int(0, 3) === 0) {
        relay.add(event({ kind: 5, pubkey: target.pubkey, tags: [["e", target.id]] }));
      }
      // Whatever was removed may come again.
      if (prng.int(0, 3) === 0) relay.add(target);
      if (prng.int(0, 5) === 0) relay.write(() => relay.store.expire(NOW, 3));
      if (prng.int(0, 5) === 0) relay.store.mergeFresh();
    };
    for (let i = 0; i < 30; i++) something();
    const set = relay.set();
    for (let i = 0; i < 60; i++) {
      something();
      if (prng.int(0, 9) === 0) {
        const { bannedPubkeys, bannedEvents } = relay.view;
        const key = prng.pick(KEYS);
        if (!bannedPubkeys.delete(key)) bannedPubkeys.add(key);
        bannedEvents.add(prng.pick(events).id);
        set.bansChanged();
      }
      set.step(prng.int(1, 20));
    }
    finish(set);
    assertEquals(idsOf(set.current(1_000, NOW)), visible(relay), `round ${round}, SEED=${prng.seed}`);
  }
});

Deno.test("FullSet misses nothing that comes between two statements of one step", () => {
  const relay = open();
  const gone = event();
  relay.add(gone);
  // Between the statements of a step the store writes: an addition, a removal, an addition.
  const { racing, arm } = racingDatabase(
    relay.db,
    "FROM removal WHERE seq >",
    () => relay.add(event(), event({ kind: 5, tags: [["e", gone.id]] }), event()),
  );
  const set = new FullSet(racing, relay.view, { itemsMax: 100 });
  finish(set);
  relay.add(event());
  arm();
  set.step(100);
  finish(set);
  assertEquals(idsOf(set.current(100, NOW)), visible(relay));
  assert(!visible(relay).includes(gone.id));
});
