/**
 * What deduplication costs and what it stops, without sockets.
 *
 *   deno task bench dedupe [--events 100000] [--relays 20] [--rounds 9] [--recent 10000] [--bloom 1000000] [--lru 50000]
 *                          [--seed 1] [--parts layers,overlap,copies]
 *
 * Prints one JSON line for each of:
 *
 * - `layers`: nanoseconds of CPU time for each step, and how often a full filter errs;
 * - `overlap`: where copies are stopped if relays carry events by Zipf's law and send them out of step;
 * - `copies`: CPU time if so many relays send the same events, against one of them. Each new event is verified and
 *   stored. `in step`: each event comes from all relays before the next; `apart`: each relay lags behind the one before
 *   it by so many events; `in turn`: one relay after the other.
 *
 * Runs in the bench's own process.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { BlockedBloom, createBloomMemory } from "../lib/dedupe/blocked_bloom.ts";
import { PendingEvents } from "../lib/dedupe/pending_events.ts";
import { SeenEvents } from "../lib/dedupe/seen_events.ts";
import { StoredIds } from "../lib/dedupe/stored_ids.ts";
import { KEY_HASH_WORDS, KeyHash } from "../lib/nostr/key_hash.ts";
import { createPackTarget, PackedEvent } from "../lib/nostr/packed_event.ts";
import { openForReading, openForWriting } from "../lib/store/keep/open.ts";
import { readRelayMessage } from "../lib/upstream/relay_messages.ts";
import { EventStore } from "../lib/store/write/event_store.ts";
import { EventIntake } from "../lib/verify/event_intake.ts";
import { openVerifier } from "../lib/verify/open_verifier.ts";
import { prepareNative } from "../scripts/native.ts";
import { Prng } from "../tests/support/prng.ts";
import { corpus } from "./corpus.ts";
import { readFlags } from "./flags.ts";
import { printProgress, printResult } from "./output.ts";
import { SETTING, withDataDir } from "./scenario.ts";

const FLAGS = {
  events: 100_000,
  relays: 20,
  rounds: 9,
  recent: 10_000,
  bloom: 1_000_000,
  lru: 50_000,
  seed: 1,
  parts: ["layers", "overlap", "copies"],
  data: SETTING.data,
};
type Flags = { readonly [Name in keyof typeof FLAGS]: (typeof FLAGS)[Name] };

/** New events that are verified and stored at once. */
const BATCH = 256;
/**
 * Copies whose texts are made at once, before they are measured: what receiving costs is the socket's. They are few, so
 * that a text is in the processor's cache, as after a socket has read it.
 */
const CHUNK = 500;
/** Ids of one measurement of a layer. */
const ASKED = 10_000;
const EIGHT = { length: 8 };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function cpuMicros(): number {
  const { user, system } = cpuUsage();
  return user + system;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function rounded(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}

/** A thread's layers, over what `isStored` knows. */
function layers(flags: Flags, prng: Prng, isStored: (id: string) => boolean) {
  const chance = () => Uint32Array.from({ length: KEY_HASH_WORDS }, () => prng.uint32());
  const bloom = new BlockedBloom(createBloomMemory(flags.bloom, chance()));
  const hash = new KeyHash(chance());
  return {
    bloom,
    seen: new SeenEvents({ recentIds: flags.recent, lruIds: flags.lru, bloom, hash, isStored }),
  };
}

/**
 * Nanoseconds that `work` takes for each of `texts`, each of which is made anew, as a message brings it: the least of the
 * rounds, because other programs only ever add to it.
 */
function nanos({ rounds }: Flags, texts: () => readonly string[], work: (text: string) => unknown): number {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    const own = texts().map((text) => decoder.decode(encoder.encode(text)));
    const before = cpuMicros();
    for (const text of own) work(text);
    least = Math.min(least, (cpuMicros() - before) * 1000 / own.length);
  }
  return Math.round(least);
}

async function benchLayers(flags: Flags, lines: readonly string[], folder: string, verifying: Verifying) {
  const prng = new Prng(flags.seed);
  const path = `${folder}/layers.db`;
  const sink = new Sink(path, verifying);
  for (const line of lines) sink.add(`["EVENT",${line}]`);
  sink.flush();
  const db = openForReading(path, 64);
  const stored = new StoredIds(db);
  const { bloom, seen } = layers(flags, prng, (id) => stored.has(id));
  const start = cpuMicros();
  const warmed = [...seen.warm(stored.newest(), true)].reduce((sum, count) => sum + count, 0);
  const warm = (cpuMicros() - start) * 1000 / warmed;
  for (let n = warmed; n < flags.bloom * 2 - 1; n++) bloom.add(Uint32Array.from(EIGHT, () => prng.uint32()));
  const ids = lines.map(idIn);
  const random = () => Array.from({ length: ASKED }, () => prng.hex(32));
  const messages = lines.slice(0, ASKED).map(messageOf);
  const ns = {
    scan: nanos(flags, () => messages, readRelayMessage),
    new: nanos(flags, random, (id) => seen.layerOf(id)),
    recent: nanos(flags, () => ids.slice(-ASKED), (id) => seen.layerOf(id)),
    lru: nanos(flags, () => ids.slice(-flags.recent - ASKED, -flags.recent), (id) => seen.layerOf(id)),
    store: nanos(flags, () => ids.slice(0, ASKED), (id) => stored.has(id)),
    add: nanos(flags, random, (id) => seen.add(id)),
    warm: Math.round(warm),
  };
  const before = { ...seen.counts };
  for (let n = 0; n < 200_000; n++) seen.layerOf(prng.hex(32));
  const mistaken = (seen.counts.mistaken - before.mistaken) / 200_000;
  db.close();
  await printResult({ bench: "layers", ns, mistaken_share: rounded(mistaken, 5) });
}

/** Where copies are stopped; nothing is verified, and an outcome comes a batch later. */
async function benchOverlap(flags: Flags, ids: readonly string[]) {
  const prng = new Prng(flags.seed);
  for (const lag of [0, 1_000, 100_000]) {
    const stored = new Set<string>();
    const { seen } = layers(flags, prng, (id) => stored.has(id));
    const pending = new PendingEvents();
    let waiting: string[] = [];
    let copies = 0;
    let same = 0;
    // Relay n carries an event with a probability of n to the power of -0.5: the greatest has all.
    const arrivals: [at: number, id: string, relay: number][] = [];
    for (const [place, id] of ids.entries()) {
      for (let relay = 1; relay <= flags.relays; relay++) {
        if (prng.float() < relay ** -0.5) arrivals.push([place + prng.float() * lag, id, relay]);
      }
    }
    arrivals.sort(([a], [b]) => a - b);
    for (const [, id, sender] of arrivals) {
      copies++;
      if (seen.layerOf(id) !== null) continue;
      if (pending.offer(id, { text: id, sender }, 0) === "send") waiting.push(id);
      else same++;
      if (waiting.length < BATCH) continue;
      for (const id of waiting) {
        stored.add(id);
        seen.add(id);
        pending.settle(id, true, 0);
      }
      waiting = [];
    }
    const { recent, lru, store } = seen.counts;
    const share = (count: number) => rounded(count / copies, 4);
    await printResult({
      bench: "overlap",
      relays: flags.relays,
      lag_events: lag,
      copies,
      new_share: share(copies - recent - lru - store - same),
      pending_share: share(same),
      recent_share: share(recent),
      lru_share: share(lru),
      store_share: share(store),
    });
  }
}

/** Verifies events and stores them, a batch at a time, as the data path does. */
class Sink {
  readonly #intake: EventIntake;
  readonly #frames: Uint8Array;
  readonly #store: EventStore;
  readonly #target = createPackTarget(1024 * 1024);
  readonly #packed = new PackedEvent(this.#target);
  #waiting = 0;
  #at = 0;
  stored = 0;

  constructor(path: string, { intake, frames }: Verifying) {
    this.#store = new EventStore(openForWriting(path, { durability: "normal", cacheMebibytes: 64 }));
    this.#intake = intake;
    this.#frames = frames;
    intake.clear();
  }

  /** Takes an EVENT message; true: a batch was stored. */
  add(text: string): boolean {
    const { written } = encoder.encodeInto(text, this.#frames.subarray(this.#at));
    this.#intake.add({ source: 0, start: this.#at, end: this.#at + written }, CONTEXT);
    this.#at += written;
    if (++this.#waiting < BATCH) return false;
    this.flush();
    return true;
  }

  flush(): void {
    this.#intake.decide();
    this.#store.begin();
    for (const entry of this.#intake.entries) {
      if (entry.refusal !== null) throw new Error(`Cannot measure: "${entry.refusal.message}"`);
      this.#intake.pack(entry, this.#target, 0);
      this.#store.add(this.#packed.at(0));
      this.stored++;
    }
    this.#store.commit();
    if (this.#store.isMergeDue) this.#store.mergeFresh();
    this.#intake.clear();
    this.#waiting = this.#at = 0;
  }
}

/** The verifier, and the memory in which it reads frames. */
interface Verifying {
  readonly intake: EventIntake;
  readonly frames: Uint8Array;
}

const CONTEXT = { nowSeconds: 1_760_000_000, authenticated: new Set<string>(), ip: null, connection: 1 };

/** An event as a relay sends it. */
function messageOf(line: string): string {
  return `["EVENT","s",${line}]`;
}

/** The event of a message, as a conversation reads it. */
function eventOf(message: string): { readonly id: string; readonly text: string } {
  const read = readRelayMessage(message);
  if (read?.type !== "EVENT") throw new Error("Cannot measure: a message of the corpus holds no event");
  return read;
}

function idIn(line: string): string {
  return eventOf(messageOf(line)).id;
}

/** The order in which copies come: places of events, and the relay. */
function* orders(events: number, relays: number, lag: number): Generator<[event: number, relay: number]> {
  for (let step = 0; step < events + lag * (relays - 1); step++) {
    for (let relay = 0; relay < relays; relay++) {
      const event = step - relay * lag;
      if (event >= 0 && event < events) yield [event, relay];
    }
  }
}

/** CPU microseconds for copies of all events from so many relays. */
function copiesMicros(
  flags: Flags,
  lines: readonly Uint8Array[],
  { relays, lag, path, verifying }: { relays: number; lag: number; path: string; verifying: Verifying },
) {
  const sink = new Sink(path, verifying);
  const db = openForReading(path, 64);
  const stored = new StoredIds(db);
  const { seen } = layers(flags, new Prng(flags.seed), (id) => stored.has(id));
  const pending = new PendingEvents();
  let inFlight: string[] = [];
  let micros = 0;
  const settle = () => {
    for (const id of inFlight) {
      seen.add(id);
      pending.settle(id, true, 0);
    }
    inFlight = [];
  };
  const receive = ([message, relay]: readonly [string, number]) => {
    const { id, text } = eventOf(message);
    if (seen.layerOf(id) !== null) return;
    if (pending.offer(id, { text, sender: relay }, 0) !== "send") return;
    inFlight.push(id);
    if (sink.add(`["EVENT",${text}]`)) settle();
  };
  let chunk: [string, number][] = [];
  const run = () => {
    const before = cpuMicros();
    chunk.forEach(receive);
    micros += cpuMicros() - before;
    chunk = [];
  };
  for (const [event, relay] of orders(lines.length, relays, lag)) {
    chunk.push([messageOf(decoder.decode(lines[event]!)), relay]);
    if (chunk.length === CHUNK) run();
  }
  run();
  const before = cpuMicros();
  sink.flush();
  settle();
  micros += cpuMicros() - before;
  db.close();
  return { micros, counts: seen.counts, stored: sink.stored };
}

async function benchCopies(flags: Flags, lines: readonly string[], folder: string, verifying: Verifying) {
  const bytes = lines.map((line) => new TextEncoder().encode(line));
  const one: number[] = [];
  for (let round = 0; round < 3; round++) {
    const path = `${folder}/one-${round}.db`;
    one.push(copiesMicros(flags, bytes, { relays: 1, lag: 0, path, verifying }).micros);
  }
  const ways: [string, number][] = [["in step", 0], ["apart", 1_000], ["in turn", lines.length]];
  for (const [order, lag] of ways) {
    const path = `${folder}/${order}.db`;
    const { micros, counts, stored } = copiesMicros(flags, bytes, {
      relays: flags.relays,
      lag,
      path,
      verifying,
    });
    const further = lines.length * (flags.relays - 1);
    await printResult({
      bench: "copies",
      order,
      relays: flags.relays,
      events: lines.length,
      verified: stored,
      one_us_an_event: rounded(median(one) / lines.length, 2),
      ratio: rounded(micros / median(one), 2),
      us_a_further_copy: rounded((micros - median(one)) / further, 3),
      stopped: counts,
    });
  }
}

/** Runs the bench; see the head of this file. */
export async function main(words: readonly string[]): Promise<void> {
  const flags: Flags = readFlags(words, FLAGS);
  const { path, line } = await prepareNative();
  await printProgress(line);
  const file = await corpus(flags.events, flags.seed);
  const lines = (await Deno.readTextFile(file)).trimEnd().split("\n");
  const { verifier } = await openVerifier({ tier: "auto", libraryPath: path });
  const frames = new Uint8Array(new SharedArrayBuffer(8 * 1024 * 1024));
  const verifying = { intake: new EventIntake(verifier, () => null), frames };
  verifying.intake.attach(0, frames);
  await withDataDir(flags.data, "dedupe", async (folder) => {
    if (flags.parts.includes("layers")) await benchLayers(flags, lines, folder, verifying);
    if (flags.parts.includes("overlap")) await benchOverlap(flags, lines.map(idIn));
    if (flags.parts.includes("copies")) await benchCopies(flags, lines, folder, verifying);
  });
  verifier.close();
}
