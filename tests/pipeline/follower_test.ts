/**
 * Tests of a follower over a store that writes: it is killed again and again, overtaken, and the store dies before it has
 * published; it has each entry of the log once all the same.
 * The store runs on the test's thread, the follower (`least_follower.ts`) on a worker.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { createTailMemory, TailProducer } from "../../lib/log/tail.ts";
import { TAIL_EPHEMERAL, TAIL_REACHED, TAIL_REMOVED, TAIL_STORED } from "../../lib/log/tail_entry.ts";
import { createDoorbellMemory, Doorbell } from "../../lib/queue/doorbell.ts";
import { openForWriting } from "../../lib/store/keep/open.ts";
import { EventStore } from "../../lib/store/write/event_store.ts";
import { eventually } from "../support/eventually.ts";
import { packed } from "../support/pack_event.ts";
import { key, plainEvent } from "../support/plain_event.ts";
import { type Prng, seededPrng } from "../support/prng.ts";

const seqBytes = (seq: number) => new Uint8Array(new Float64Array([seq]).buffer);
const NOTHING = new Uint8Array(0);

/** A store that writes events at random and publishes them as the store's thread does. */
class Writer {
  readonly tail = createTailMemory(8_192);
  readonly bell = createDoorbellMemory();
  readonly store: EventStore;
  /** All entries there ever were, by seq; some are in no table any more. */
  readonly log = new Map<number, string>();
  readonly #db: DatabaseSync;
  readonly #random: Prng;
  readonly #ids: string[] = [];
  #producer = new TailProducer(this.tail);

  constructor(readonly path: string, random: Prng) {
    this.#db = openForWriting(path, { durability: "normal", cacheMebibytes: 4 });
    this.store = new EventStore(this.#db);
    this.#random = random;
  }

  /** Stores one event; the store dies before it has published it, where `isPublished` is false. */
  write(isPublished = true): void {
    const kind = [1, 1, 1, 0, 5, 20_000][this.#random.int(0, 5)]!;
    const id = this.#random.hex(32);
    const tags = kind === 5 ? this.#ids.slice(-4).map((id) => ["e", id]) : [];
    const event = packed(plainEvent({ id, kind, tags, created_at: this.#ids.push(id), pubkey: key("b") }));
    if (kind === 20_000) {
      return this.#producer.append(TAIL_EPHEMERAL, seqBytes(this.store.lastSeq), event.packed);
    }
    this.store.begin();
    const isStored = this.store.add(event) === "stored";
    this.store.commit();
    if (isStored) this.log.set(this.store.addedSeq, id);
    const removals = this.store.removals.map(({ seq, id }) => ({ seq, id }));
    for (const { seq, id } of removals) this.log.set(seq, id);
    if (!isPublished) return;
    const entries: { seq: number; type: number; body: Uint8Array }[] = removals.map(
      ({ seq, id }) => ({ seq, type: TAIL_REMOVED, body: Uint8Array.fromHex(id) }),
    );
    if (isStored) entries.push({ seq: this.store.addedSeq, type: TAIL_STORED, body: event.packed });
    entries.sort((a, b) => a.seq - b.seq);
    for (const { seq, type, body } of entries) this.#producer.append(type, seqBytes(seq), body);
    new Doorbell(this.bell).ring();
  }

  /** The successor of a store that died. */
  restart(): void {
    this.#producer = new TailProducer(this.tail);
    this.#producer.append(TAIL_REACHED, seqBytes(this.store.lastSeq), NOTHING);
    new Doorbell(this.bell).ring();
  }

  close(): void {
    this.#db.close();
  }
}

/** Starts the follower. It is killed by what this returns. */
function startFollower({ path, tail, bell }: Writer): () => void {
  const worker = new Worker(new URL("./least_follower.ts", import.meta.url), { type: "module" });
  worker.postMessage({ path, tail, bell });
  return () => worker.terminate();
}

interface Noted {
  readonly seq: number;
  readonly id: string;
  readonly source: string;
}

/** What the follower has noted so far. */
function noted({ path }: Writer): Noted[] {
  using db = new DatabaseSync(`${path}.noted`, { readOnly: true });
  return db.prepare("SELECT seq, id, source FROM noted ORDER BY seq").all() as unknown as Noted[];
}

async function following(test: (writer: Writer, random: Prng) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const random = seededPrng("a follower that is killed");
  const writer = new Writer(`${directory}/events.db`, random);
  try {
    await test(writer, random);
  } finally {
    writer.close();
    await Deno.remove(directory, { recursive: true });
  }
}

/** Waits until the follower is at the log's end; returns what it has noted. */
async function caughtUp(writer: Writer): Promise<Noted[]> {
  const isThere = () => noted(writer).at(-1)?.seq === writer.store.lastSeq ? noted(writer) : null;
  return await eventually(isThere, 30_000, "the follower is at the log's end");
}

/** Every entry that the store still has is noted, and whatever is noted was one. */
function assertWhole(writer: Writer, entries: readonly Noted[]): void {
  for (const { seq, id } of entries) assertEquals(id, writer.log.get(seq), `entry ${seq}`);
  const seen = new Set(entries.map(({ seq }) => seq));
  assertEquals(seen.size, entries.length);
  const removed = new Set<string>();
  for (const [seq, id] of [...writer.log].toSorted(([a], [b]) => b - a)) {
    // What was removed before the follower came to it is no entry any more; its removal is.
    if (!seen.has(seq)) assert(removed.has(id), `entry ${seq} is missing`);
    removed.add(id);
  }
}

Deno.test("a follower takes every entry once, by the tail, while nothing goes wrong", () =>
  following(async (writer) => {
    for (let n = 0; n < 100; n++) writer.write();
    const kill = startFollower(writer);
    await caughtUp(writer);
    for (let n = 0; n < 5; n++) writer.write();
    const entries = await caughtUp(writer);
    assertWhole(writer, entries);
    assertEquals(entries[0]?.source, "log");
    assertEquals(entries.at(-1)?.source, "tail");
    kill();
  }));

Deno.test("a follower that is killed goes on from its cursor, also where the tail has lapped it", () =>
  following(async (writer, random) => {
    for (let round = 0; round < 8; round++) {
      const kill = startFollower(writer);
      // More than the tail holds, at once and in between.
      const events = random.int(50, 400);
      for (let n = 0; n < events; n++) {
        writer.write();
        if (random.chance(0.05)) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      if (random.chance(0.5)) await caughtUp(writer);
      kill();
    }
    const kill = startFollower(writer);
    for (let burst = 0; burst < 4; burst++) {
      assertWhole(writer, await caughtUp(writer));
      for (let n = 0; n < 300; n++) writer.write();
    }
    assertWhole(writer, await caughtUp(writer));
    kill();
  }));

Deno.test("a follower takes from the log what a store has stored and did not live to publish", () =>
  following(async (writer, random) => {
    const kill = startFollower(writer);
    for (let round = 0; round < 10; round++) {
      for (let n = random.int(1, 20); n > 0; n--) writer.write();
      for (let n = random.int(0, 3); n > 0; n--) writer.write(false);
      writer.restart();
      assertWhole(writer, await caughtUp(writer));
    }
    kill();
  }));
