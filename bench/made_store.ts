/**
 * A store of any size, written by `lib/store` directly and without signatures: what it costs to read does not depend on
 * them. The same seed gives the same events. Runs in the bench's own process.
 *
 * Whatever is asked of it has as many answers in a large store as in a small one: authors and hashtags are as many, and
 * some of each are frequent.
 *
 * @module
 */
import { eventFacts, packedBytesMax, PackedEvent, packEvent } from "../lib/nostr/packed_event.ts";
import { EventStore } from "../lib/store/write/event_store.ts";
import { openForWriting } from "../lib/store/keep/open.ts";

/** Authors of the events; the first ones write most. */
export const AUTHORS = 20_000;
/** The `created_at` of the first event; each later one is a second younger. */
export const SINCE = 1_600_000_000;
/** A kind of which only one event in 50,000 is. */
export const RARE_KIND = 30_023;
/** A hashtag that every fifth event has. */
export const FREQUENT_TAG = "common";

const KINDS = [1, 1, 1, 1, 1, 1, 7, 7, 6, 1985] as const;
const EVENTS_A_COMMIT = 5_000;
/** Events back to which a reply may refer. */
const REPLIED_TO_MAX = 1_000;

/** A small generator with a seed, from 0 to 1. */
export function randomOf(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The pubkey of an author. */
export function authorOf(number: number): string {
  return spread(number, 0x51ed270b);
}

/** The id of an event, by its place in time. */
export function idOfEvent(number: number): string {
  return spread(number, 0x2545f491);
}

/** 64 hex characters that look like chance. */
function spread(number: number, salt: number): string {
  const random = randomOf(Math.imul(number + 1, 0x9e3779b1) ^ salt);
  let text = "";
  while (text.length < 64) text += Math.floor(random() * 2 ** 32).toString(16).padStart(8, "0");
  return text;
}

/** Writes a store of so many events to a new file. */
export function makeStore(path: string, events: number, seed: number): void {
  const db = openForWriting(path, { durability: "normal", cacheMebibytes: 64 });
  // Nobody needs it after a crash.
  db.exec("PRAGMA synchronous = OFF");
  const store = new EventStore(db);
  const random = randomOf(seed);
  const buffer = new ArrayBuffer(64 * 1024);
  const target = {
    bytes: new Uint8Array(buffer),
    words: new Uint32Array(buffer),
    doubles: new Float64Array(buffer),
  };
  const packed = new PackedEvent(target);
  for (let first = 0; first < events; first += EVENTS_A_COMMIT) {
    store.begin();
    for (let number = first; number < Math.min(events, first + EVENTS_A_COMMIT); number++) {
      const facts = eventFacts(eventOf(number, random));
      if (packedBytesMax(facts) > buffer.byteLength) {
        throw new RangeError("Cannot pack event: it is too long");
      }
      packEvent(facts, Uint8Array.fromHex(facts.event.id), target, 0);
      store.add(packed.at(0));
    }
    store.commit();
    if (store.isMergeDue) store.mergeFresh();
  }
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

function eventOf(number: number, random: () => number) {
  const tags: string[][] = [];
  if (random() < 0.2) tags.push(["t", FREQUENT_TAG]);
  if (random() < 0.2) tags.push(["t", `topic${Math.floor(200 * random() ** 2)}`]);
  if (random() < 0.4) {
    tags.push(["e", idOfEvent(Math.max(0, number - 1 - Math.floor(REPLIED_TO_MAX * random())))]);
  }
  if (random() < 0.4) tags.push(["p", authorOf(Math.floor(AUTHORS * random() ** 2))]);
  const rare = number % 50_000 === 25_000;
  if (rare) tags.push(["d", `${number}`], ["t", FREQUENT_TAG]);
  return {
    id: idOfEvent(number),
    pubkey: authorOf(Math.floor(AUTHORS * random() ** 2)),
    created_at: SINCE + number,
    kind: rare ? RARE_KIND : KINDS[Math.floor(random() * KINDS.length)]!,
    tags,
    content: `event ${number}`,
    sig: "",
  };
}
