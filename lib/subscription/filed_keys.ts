/**
 * Filters by the keys under which they are filed: any number under one key, any number of keys a filter. To file one and to
 * take it away costs some nanoseconds a key, however many there are and whoever chose them (`key_hash.ts`).
 * A gateway's thread owns it, within its `SubscriptionIndex`.
 *
 * DESIGN: an entry is a number, its fields are in arrays. Entries of one key are a ring; one of them, the leader, is found
 * from the key's hash. Entries of one filing are a list, by which they are taken away without their keys.
 *
 *     slots[hash] ──▶ leader ──chain──▶ leader of another key of that hash ──chain──▶ NONE
 *                      │ ▲
 *                 next ▼ │ previous
 *                     entry of the same key                      sibling: the filing's next entry, or the next free one
 *
 * The arrays double when there is no free entry, and are made anew when an eighth is in use: entries move then, so that
 * only the filing knows which they are. What the old arrays took is given back at once, and not when it is collected.
 *
 * Maps with numbers of 52 bits as keys box each of them and hash it by a call: a timeline of 200 authors took 80 µs to file
 * and to take away, and takes a tenth of that.
 *
 * @module
 */
import type { KeyHash } from "../nostr/key_hash.ts";

const NONE = -1;
/** The `chain` of an entry that is no leader. */
const FOLLOWS = -2;
/** Room that is kept: a few timelines that are opened and closed again and again move no entry. */
const BITS_MIN = 12;
/** Of so many entries that there is room for, one is in use when the room is made smaller. */
const SPARSE = 8;

/** What one call of `file` filed. */
export interface Filing<Value> {
  readonly value: Value;
  /** Its first entry. */
  first: number;
}

/** The fields of all entries, and the slots: as many of each, so that there is one leader a slot. */
interface Entries<Value> {
  readonly slots: Int32Array<ArrayBuffer>;
  readonly keys: Float64Array<ArrayBuffer>;
  readonly chain: Int32Array<ArrayBuffer>;
  readonly next: Int32Array<ArrayBuffer>;
  readonly previous: Int32Array<ArrayBuffer>;
  readonly sibling: Int32Array<ArrayBuffer>;
  /** The place of its key in the filing's list. */
  readonly places: Int32Array<ArrayBuffer>;
  readonly filings: (Filing<Value> | null)[];
}

/** See the module's text. */
export class FiledKeys<Value extends object> {
  readonly #hash: KeyHash;
  #bits = 0;
  #entries: Entries<Value> = newEntries(0);
  #free = NONE;
  #size = 0;

  /** @param hash Decides which keys share a slot; its chance is to be kept from those who choose the keys. */
  constructor(hash: KeyHash) {
    this.#hash = hash;
  }

  /** Entries now filed. */
  get size(): number {
    return this.#size;
  }

  /** Entries that there is room for. */
  get room(): number {
    return this.#entries.keys.length;
  }

  /** Keys in the longest chain: the most that any look-up goes through. Walks through all, for tests. */
  get longestChain(): number {
    let longest = 0;
    for (let entry of this.#entries.slots) {
      let length = 0;
      for (; entry !== NONE; entry = this.#entries.chain[entry]!) length++;
      longest = Math.max(longest, length);
    }
    return longest;
  }

  /** Files a value under each of the keys. Returns what `unfile` needs. */
  file(keys: readonly number[], value: Value): Filing<Value> {
    const filing = { value, first: NONE };
    for (let at = 0; at < keys.length; at++) {
      if (this.#free === NONE) this.#resize(Math.max(BITS_MIN, this.#bits + 1));
      this.#add(filing, keys[at]!, at);
    }
    return filing;
  }

  /** Takes away what one call of `file` filed, and calls `taken` with each of its keys. */
  unfile(filing: Filing<Value>, taken: (key: number) => void = () => {}): void {
    const { keys, sibling, filings } = this.#entries;
    for (let entry = filing.first; entry !== NONE;) {
      taken(keys[entry]!);
      this.#unlink(entry);
      filings[entry] = null;
      const following = sibling[entry]!;
      sibling[entry] = this.#free;
      this.#free = entry;
      this.#size--;
      entry = following;
    }
    filing.first = NONE;
    if (this.#bits > BITS_MIN && this.#size * SPARSE < this.room) this.#shrink();
  }

  /** Calls `visit` with each value under a key, which must not file or unfile any, and the place of the key in its list. */
  each(key: number, visit: (value: Value, place: number) => void): void {
    if (this.#size === 0) return;
    const leader = this.#leaderOf(key);
    if (leader === NONE) return;
    const { filings, places, next } = this.#entries;
    let entry = leader;
    do {
      visit(filings[entry]!.value, places[entry]!);
      entry = next[entry]!;
    } while (entry !== leader);
  }

  #add(filing: Filing<Value>, key: number, place: number): void {
    const { keys, sibling, places, filings } = this.#entries;
    const entry = this.#free;
    this.#free = sibling[entry]!;
    sibling[entry] = filing.first;
    filing.first = entry;
    keys[entry] = key;
    places[entry] = place;
    filings[entry] = filing;
    this.#link(entry, key);
    this.#size++;
  }

  #slotOf(key: number): number {
    return this.#hash.of(key) >>> (32 - this.#bits);
  }

  #leaderOf(key: number): number {
    const { slots, keys, chain } = this.#entries;
    let entry = slots[this.#slotOf(key)]!;
    while (entry !== NONE && keys[entry] !== key) entry = chain[entry]!;
    return entry;
  }

  #link(entry: number, key: number): void {
    const { slots, keys, chain, next, previous } = this.#entries;
    const slot = this.#slotOf(key);
    let leader = slots[slot]!;
    while (leader !== NONE && keys[leader] !== key) leader = chain[leader]!;
    if (leader === NONE) {
      chain[entry] = slots[slot]!;
      slots[slot] = entry;
      next[entry] = previous[entry] = entry;
      return;
    }
    const last = previous[leader]!;
    chain[entry] = FOLLOWS;
    next[entry] = leader;
    previous[entry] = last;
    next[last] = entry;
    previous[leader] = entry;
  }

  #unlink(entry: number): void {
    const { slots, keys, chain, next, previous } = this.#entries;
    const following = next[entry]!;
    const last = previous[entry]!;
    next[last] = following;
    previous[following] = last;
    if (chain[entry] === FOLLOWS) return;
    // A leader's place in its chain goes to the next of its ring, or to the next of the chain.
    const successor = following === entry ? chain[entry]! : following;
    if (following !== entry) chain[following] = chain[entry]!;
    const slot = this.#slotOf(keys[entry]!);
    let before = slots[slot]!;
    if (before === entry) slots[slot] = successor;
    else {
      while (chain[before] !== entry) before = chain[before]!;
      chain[before] = successor;
    }
  }

  /** Leaves twice the room that is needed, so that the next who comes does not double it at once. */
  #shrink(): void {
    let bits = BITS_MIN;
    while (2 ** bits < 2 * this.#size) bits++;
    this.#resize(bits);
  }

  /** Makes new arrays with room for 2^`bits` entries, and moves all there, filing by filing. */
  #resize(bits: number): void {
    const old = this.#entries;
    const entries = this.#entries = newEntries<Value>(2 ** bits);
    this.#bits = bits;
    this.#size = 0;
    this.#free = NONE;
    for (let entry = 2 ** bits - 1; entry >= 0; entry--) {
      entries.sibling[entry] = this.#free;
      this.#free = entry;
    }
    for (let entry = 0; entry < old.filings.length; entry++) {
      const filing = old.filings[entry]!;
      if (filing === null || filing.first !== entry) continue;
      filing.first = NONE;
      this.#move(old, entry, filing);
    }
    for (const field of [old.slots, old.keys, old.chain, old.next, old.previous, old.sibling, old.places]) {
      field.buffer.transfer(0);
    }
  }

  #move(from: Entries<Value>, first: number, filing: Filing<Value>): void {
    for (let entry = first; entry !== NONE; entry = from.sibling[entry]!) {
      from.filings[entry] = null;
      this.#add(filing, from.keys[entry]!, from.places[entry]!);
    }
  }
}

function newEntries<Value>(room: number): Entries<Value> {
  return {
    slots: new Int32Array(room).fill(NONE),
    keys: new Float64Array(room),
    chain: new Int32Array(room),
    next: new Int32Array(room),
    previous: new Int32Array(room),
    sibling: new Int32Array(room),
    places: new Int32Array(room),
    filings: new Array<Filing<Value> | null>(room).fill(null),
  };
}
