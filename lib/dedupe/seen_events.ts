/**
 * Whether an event that an upstream relay sends was seen before, so that it is not verified again: the newest ids, then the
 * Bloom filter, then an LRU cache, then the store.
 *
 * ```
 *   id ──▶ recent ids ──▶ Bloom filter ──▶ LRU cache ──▶ store ──▶ new
 *             │ seen          │ not in it: new  │ seen      │ seen, and put into the cache
 * ```
 *
 * An id is added only when its event was verified, so that a forged copy never hides the real one.
 * Belongs to an upstream thread, but for the Bloom filter, which all of them share.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { LRUCache } from "lru-cache";
import type { KeyHash } from "../nostr/key_hash.ts";
import { prefixOf } from "../nostr/prefixes.ts";
import type { BlockedBloom } from "./blocked_bloom.ts";
import { ID_WORDS, readIdWords } from "./id_words.ts";
import { RecentIds } from "./recent_ids.ts";

/** Where an id was found. */
type Layer = "recent" | "lru" | "store";

/** Sizes, and what the thread shares with others. */
interface SeenOptions {
  /** The newest ids. */
  readonly recentIds: number;
  /** Ids of the LRU cache. */
  readonly lruIds: number;
  readonly bloom: BlockedBloom;
  /** Of chance. */
  readonly hash: KeyHash;
  /** Looks an id up in the store's index. */
  readonly isStored: (id: string) => boolean;
}

/** How often each layer has decided, since the start. */
interface SeenCounts {
  recent: number;
  lru: number;
  store: number;
  /** New, because the Bloom filter does not have it. */
  bloom: number;
  /** New, though the Bloom filter has it: the store was asked for nothing. */
  mistaken: number;
}

/**
 * Whether an outcome means that the event was verified. A policy may refuse an event before its signature is verified, so
 * only what the store has decided counts.
 */
export function wasVerified(accepted: boolean, message: string): boolean {
  return accepted || prefixOf(message) === "duplicate";
}

/** See the module's text. */
export class SeenEvents {
  readonly #recent: RecentIds;
  readonly #lru: LRUCache<string, true>;
  readonly #bloom: BlockedBloom;
  readonly #isStored: (id: string) => boolean;
  readonly #words = new Uint32Array(ID_WORDS);
  readonly counts: SeenCounts = { recent: 0, lru: 0, store: 0, bloom: 0, mistaken: 0 };

  constructor({ recentIds, lruIds, bloom, hash, isStored }: SeenOptions) {
    this.#recent = new RecentIds(recentIds, hash);
    this.#lru = new LRUCache({ max: lruIds });
    this.#bloom = bloom;
    this.#isStored = isStored;
  }

  /** How many ids each layer holds now; of the Bloom filter, how many it can. */
  get sizes(): { readonly recent: number; readonly bloom: number; readonly lru: number } {
    return { recent: this.#recent.size, bloom: this.#bloom.ids, lru: this.#lru.size };
  }

  /** Where the id was found, or null: its event is new. `id` is 64 lowercase hex characters. */
  layerOf(id: string): Layer | null {
    const layer = this.#look(id);
    if (layer !== null) this.counts[layer]++;
    return layer;
  }

  #look(id: string): Layer | null {
    readIdWords(id, this.#words);
    if (this.#recent.has(this.#words)) return "recent";
    if (!this.#bloom.has(this.#words)) {
      this.counts.bloom++;
      return null;
    }
    if (this.#lru.get(id) === true) return "lru";
    if (this.#isStored(id)) {
      this.#lru.set(ownText(id), true);
      return "store";
    }
    this.counts.mistaken++;
    return null;
  }

  /** Adds the id of an event that was verified ({@linkcode wasVerified}). */
  add(id: string): void {
    readIdWords(id, this.#words);
    this.#recent.add(this.#words);
    this.#bloom.add(this.#words);
    this.#lru.set(ownText(id), true);
  }

  /**
   * Adds the store's newest ids, slice by slice; the caller lets others run between two of them. It ends after as many as
   * the largest layer holds.
   *
   * @param slices The newest slice first, and in each the newest id first, at most `DEDUPE_WARM_IDS`.
   * @param intoBloom Whether the Bloom filter is warmed too: by one thread is enough.
   * @returns how many ids each step has added.
   */
  *warm(slices: Iterable<readonly string[]>, intoBloom: boolean): Generator<number> {
    const exactMax = Math.max(this.#recent.capacity, this.#lru.max);
    const most = intoBloom ? Math.max(this.#bloom.ids, exactMax) : exactMax;
    let exact: string[] | null = [];
    let ids = 0;
    for (const slice of slices) {
      if (intoBloom) { for (const id of slice) this.#addToBloom(id); }
      exact?.push(...slice);
      ids += slice.length;
      if (exact !== null && ids >= exactMax) {
        this.#addExact(exact.slice(0, exactMax));
        exact = null;
      }
      yield slice.length;
      if (ids >= most) break;
    }
    if (exact !== null) this.#addExact(exact);
  }

  #addToBloom(id: string): void {
    readIdWords(id, this.#words);
    this.#bloom.add(this.#words);
  }

  /** Adds the last one first: the oldest, so that it is the first to go. */
  #addExact(ids: readonly string[]): void {
    for (const id of ids.toReversed()) {
      readIdWords(id, this.#words);
      this.#recent.add(this.#words);
      this.#lru.set(ownText(id), true);
    }
  }
}

/** A copy that stands alone: a part of a message would keep the whole message in memory. */
function ownText(id: string): string {
  return Buffer.from(id, "latin1").toString("latin1");
}
