/**
 * Histories of a store whose keys are cut down to a few bits (`tests/support/narrow_keys.ts` by an import map), compared
 * with naive models after each change. A process of its own, which the test starts: `SEED` in its environment.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { narrow } from "../../../tests/support/narrow_keys.ts";
import { naiveQuery, type PlainEvent, type PlainFilter } from "../../../tests/support/naive_matcher.ts";
import { NaiveStore } from "../../../tests/support/naive_store.ts";
import { packed } from "../../../tests/support/pack_event.ts";
import { type Prng, seededPrng } from "../../../tests/support/prng.ts";
import { TEXT_CACHE_CHUNK_BYTES } from "../../limits.ts";
import { idKey } from "../../nostr/keys.ts";
import { parseFilter } from "../../nostr/filter.ts";
import { EventReader } from "./event_reader.ts";
import { EventStore } from "../write/event_store.ts";
import { FullSet } from "./full_set.ts";
import type { CachedScan } from "./cached_scan.ts";
import { TextCache } from "./text_cache.ts";
import type { EventScan } from "./scan.ts";
import { migrate } from "../keep/schema.ts";

const RELAY = "wss://relay.example.com";
const LIMITS = { limitMax: 30, limitDefault: 12 };
const HISTORIES = 6;
const CHANGES = 60;
const QUERIES = 7;
const KINDS = [1, 1, 1, 7, 0, 30_000, 30_001, 1_059, 5, 62];
const LETTERS = ["e", "p", "t", "d"];

if (idKey("f".repeat(64)) > 0xff) throw new Error("the keys are not cut down");

/** One store, from empty to full of collisions. */
class History {
  readonly #random: Prng;
  readonly #db = new DatabaseSync(":memory:");
  readonly #naive = new NaiveStore();
  readonly #pubkeys: readonly string[];
  readonly #sent: PlainEvent[] = [];
  readonly #view = {
    isPrivate: () => false,
    bannedPubkeys: new Set<string>(),
    bannedEvents: new Set<string>(),
  };
  readonly #full: FullSet;
  #store: EventStore;
  #reader: EventReader;
  #now = 10;

  constructor(random: Prng, authors: number) {
    this.#random = random;
    this.#pubkeys = Array.from({ length: authors }, () => this.#hex());
    migrate(this.#db, ":memory:");
    [this.#store, this.#reader] = this.#open();
    this.#full = new FullSet(this.#db, this.#view, { itemsMax: 1e6 });
  }

  run(): void {
    for (let change = 0; change < CHANGES; change++) {
      this.#change();
      for (let query = 0; query < QUERIES; query++) this.#query();
      // From here on nothing of who vanished can be met by an event that arrives.
      while (this.#store.isVanishing) this.#inGroup(() => this.#store.vanishSome());
      this.#compareAll();
    }
    this.#db.close();
  }

  #open(): [EventStore, EventReader] {
    return [
      new EventStore(this.#db, [RELAY]),
      new EventReader(this.#db, null, new TextCache(TEXT_CACHE_CHUNK_BYTES, "strings")),
    ];
  }

  #int(below: number): number {
    return this.#random.int(0, below - 1);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#int(list.length)]!;
  }

  #some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.#int(most + 1) }, make);
  }

  #hex(): string {
    return Array.from({ length: 8 }, () => this.#random.uint32().toString(16).padStart(8, "0")).join("");
  }

  #value(letter: string): string {
    if (letter === "p") return this.#pick(this.#pubkeys);
    if (letter === "e") return this.#sent.length === 0 ? this.#hex() : this.#pick(this.#sent).id;
    return this.#pick(["a", "b", 'c"', "", "ab", "é"]);
  }

  #event(): PlainEvent {
    const kind = this.#pick(KINDS);
    const pubkey = this.#pick(this.#pubkeys);
    const tags = this.#some(4, () => {
      const letter = this.#pick(LETTERS);
      return [letter, this.#value(letter)];
    });
    if (kind === 5) {
      tags.push(["a", `${this.#pick([0, 30_000, 30_001])}:${pubkey}:${this.#pick(["", "a", "b"])}`]);
    }
    if (kind === 62) tags.push(["relay", RELAY]);
    if (this.#int(12) === 0) tags.push(["expiration", String(this.#now + this.#int(4))]);
    // Some are so long that they do not come along with others.
    const content = this.#int(9) === 0 ? 'x"t","a"'.repeat(700) : '["t","a"] ["e"';
    const created_at = kind === 62 ? this.#int(3) : this.#int(7);
    return { id: this.#hex(), pubkey, created_at, kind, tags, content, sig: "7".repeat(128) };
  }

  #inGroup(work: () => void): void {
    this.#store.begin();
    work();
    this.#store.commit();
  }

  #change(): void {
    const choice = this.#int(14);
    if (choice === 0) this.#store.mergeFresh();
    else if (choice === 1) [this.#store, this.#reader] = this.#open();
    else if (choice === 2) {
      this.#now++;
      while (this.#store.hasExpired(this.#now)) this.#inGroup(() => this.#store.expire(this.#now, 2));
      this.#naive.expire(this.#now);
    } else if (choice === 3) this.#ban();
    else {this.#inGroup(() => {
        for (let events = this.#int(6) + 1; events > 0; events--) this.#add();
      });}
  }

  #add(): void {
    const isAgain = this.#sent.length > 0 && this.#int(5) === 0;
    const event = isAgain ? this.#pick(this.#sent) : this.#event();
    this.#sent.push(event);
    // The store removes the events of who vanishes after the group; those that follow in it are another matter.
    const outcomes = [this.#store.add(packed(event)), this.#naive.add(event)];
    if (outcomes[0] !== outcomes[1]) fail(`"${outcomes[0]}", not "${outcomes[1]}"`, event);
    while (this.#store.isVanishing) this.#store.vanishSome();
  }

  #ban(): void {
    const pubkey = this.#pick(this.#pubkeys);
    if (!this.#view.bannedPubkeys.delete(pubkey)) this.#view.bannedPubkeys.add(pubkey);
    const id = this.#sent.length === 0 ? this.#hex() : this.#pick(this.#sent).id;
    if (!this.#view.bannedEvents.delete(id)) this.#view.bannedEvents.add(id);
    this.#full.bansChanged();
  }

  #filter(): PlainFilter {
    const filter: PlainFilter = {};
    const ids = () => this.#sent.length === 0 ? this.#hex() : this.#pick(this.#sent).id;
    if (this.#int(5) === 0) filter.ids = [ids(), ...this.#some(8, ids)];
    if (this.#int(3) === 0) {
      const most = this.#pick([1, 4, this.#pubkeys.length]);
      filter.authors = [...this.#some(most, () => this.#pick(this.#pubkeys)), this.#pick(this.#pubkeys)];
    }
    if (this.#int(3) === 0) filter.kinds = [this.#pick(KINDS), ...this.#some(3, () => this.#pick(KINDS))];
    if (this.#int(5) === 0) filter.since = this.#int(7);
    if (this.#int(5) === 0) filter.until = this.#int(7);
    if (this.#int(2) === 0) filter.limit = this.#int(36);
    for (const letter of LETTERS) {
      const values = () => [this.#value(letter), ...this.#some(3, () => this.#value(letter))];
      if (this.#int(6) === 0) filter[`#${letter}`] = values();
      if (this.#int(12) === 0) filter[`&${letter}`] = values().slice(0, 2);
    }
    return filter;
  }

  #query(): void {
    const plain = this.#filter();
    const now = this.#now + this.#int(2);
    const visible = this.#naive.visible(now);
    const matching = naiveQuery({ ...plain, limit: 1e9 }, visible, 1e9);
    const { limit, isCapped } = parseFilter(plain, LIMITS);
    const isWithin = ({ created_at }: PlainEvent, at: number) =>
      at < limit || (isCapped === true && created_at === matching[limit - 1]?.created_at);
    const expected = limit === 0 ? [] : matching.filter(isWithin).map(({ id }) => id);
    const { found, end } = this.#answer(plain, now);
    if (found.join() !== expected.join()) fail(`found ${found}, not ${expected}`, plain);
    if (limit > 0 && (end === "all") !== (expected.length === matching.length) && end !== "unknown") {
      fail(`it ended with ${end}`, plain);
    }
  }

  /** The answer in steps of any size, each now and then by another scan that goes on from its position. */
  #answer(plain: PlainFilter, now: number) {
    const filter = parseFilter(plain, LIMITS);
    const options = { seqMax: this.#reader.refresh(), now };
    const hot = this.#int(2) === 0 ? this.#reader.cachedScan(filter, options) : null;
    let scan: EventScan | CachedScan = hot ?? this.#reader.scan(filter, options);
    const found: string[] = [];
    const emit = (text: unknown) => found.push((JSON.parse(String(text)) as PlainEvent).id);
    const [rows, bytes] = [this.#pick([1, 3, 20, 1e6]), this.#pick([1, 1e9])];
    for (let steps = 1; scan.step({ rows, bytes }, emit) === "more"; steps++) {
      if (steps > 50_000) fail("it makes no progress", plain);
      if (steps % 5 === 0 || this.#int(9) === 0) {
        scan = this.#reader.scan(filter, { ...options, position: scan.position });
      }
      if (this.#int(30) === 0) this.#store.mergeFresh();
    }
    return { found, end: scan.end };
  }

  /** Everything, event by event, and the set that negentropy compares. */
  #compareAll(): void {
    const { bannedPubkeys, bannedEvents } = this.#view;
    const wanted = this.#naive.visible(this.#now);
    this.#reader.refresh();
    for (const event of this.#sent.slice(-20)) {
      const { id } = event;
      const isThere = this.#reader.rowOf(id, { now: this.#now }, { rows: 1 }) !== null;
      if (isThere !== wanted.some((event) => event.id === id)) fail(`rowOf() says ${isThere}`, event);
    }
    for (let steps = 0; !this.#full.step(this.#int(3) + 1); steps++) if (steps > 1e5) fail("no end", null);
    const open = wanted.filter(({ id, pubkey }) => !bannedPubkeys.has(pubkey) && !bannedEvents.has(id));
    const set = this.#full.current(1e6, this.#now);
    if (set?.size !== open.length) fail(`the full set holds ${set?.size}, not ${open.length}`, null);
  }
}

function fail(what: string, about: unknown): never {
  throw new Error(`${what}: ${JSON.stringify(about)} with ${JSON.stringify(narrow)}`);
}

const random = seededPrng("shared keys");
for (let number = 0; number < HISTORIES; number++) {
  narrow.idBits = random.int(0, 3);
  narrow.pubkeys = [1, 2, 5, 30][random.int(0, 3)]!;
  narrow.tags = random.int(1, 8);
  narrow.addresses = random.int(1, 4);
  new History(random, random.int(0, 1) === 0 ? 4 : 40).run();
}
