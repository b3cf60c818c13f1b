/**
 * Whether anybody may hear an ephemeral event: counts, in shared memory, of the keys under which each gateway files the
 * filters that such an event could match. An event looks up its own keys, as it does in a `SubscriptionIndex`. Where all
 * counts are zero, certainly nobody listens; where one is not, somebody may.
 * Each gateway's thread writes its own counts; any thread reads them all.
 *
 * @module
 */
import type { Filter } from "../nostr/filter.ts";
import { kindClass } from "../nostr/kinds.ts";

/** Counts of one gateway, 2 to this power: a key that shares its count with others costs a `mute:`, never an event. */
const COUNT_BITS = 17;

/** What a filter can be filed under. */
export type Place = "id" | "tag" | "author" | "kind" | "any";

const SALTS: Record<Place, number> = {
  id: 0x2545f491,
  tag: 0x6c8e9cf5,
  author: 0x51ed270b,
  kind: 0x7f4a7c15,
  any: 0x3c6ef372,
};

/** One gateway's counts. */
export type AudienceMemory = Int32Array<SharedArrayBuffer>;

/** Makes the counts of one gateway. */
export function createAudienceMemory(): AudienceMemory {
  return new Int32Array(new SharedArrayBuffer(2 ** COUNT_BITS * Int32Array.BYTES_PER_ELEMENT));
}

/** The counting side, on the gateway's thread. */
export class Audience {
  readonly #counts: AudienceMemory;

  /** Begins with nobody: what a predecessor of the gateway counted went with its connections. */
  constructor(memory: AudienceMemory) {
    this.#counts = memory;
    memory.fill(0);
  }

  /** A filter that may hear ephemeral events was filed (1) or removed (-1) under a key; under 0 for "any". */
  count(place: Place, key: number, change: 1 | -1): void {
    Atomics.add(this.#counts, slotOf(place, key), change);
  }
}

/** Whether a filter can match an ephemeral event. */
export function mayHearEphemeral({ kinds }: Filter): boolean {
  return kinds === undefined || kinds.some((kind) => kindClass(kind) === "ephemeral");
}

/** The keys of an event that is looked up. */
interface Heard {
  readonly kind: number;
  readonly idKey: number;
  readonly pubkeyKey: number;
  readonly tagCount: number;
  tagKey(index: number): number;
}

/** Whether somebody may listen, on any of the gateways. False is certain. */
export function mayBeHeard(event: Heard, gateways: readonly AudienceMemory[]): boolean {
  const has = (place: Place, key: number) => {
    const slot = slotOf(place, key);
    return gateways.some((counts) => Atomics.load(counts, slot) !== 0);
  };
  if (has("any", 0) || has("kind", event.kind) || has("author", event.pubkeyKey)) return true;
  for (let tag = 0; tag < event.tagCount; tag++) if (has("tag", event.tagKey(tag))) return true;
  return has("id", event.idKey);
}

function slotOf(place: Place, key: number): number {
  const mixed = Math.imul((key >>> 0) ^ Math.floor(key / 0x1_0000_0000) ^ SALTS[place], 0x9e3779b1);
  return mixed >>> (32 - COUNT_BITS);
}
