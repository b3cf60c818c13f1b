/**
 * Whether an event is one that was asked for: a relay may send what it likes. The filter is ours, and already checked; its
 * lists do not change.
 * Belongs to the subscription that made it, on its thread.
 *
 * @module
 */
import type { NostrEvent } from "../nostr/event.ts";

/** A filter of NIP-01 as a JSON value. */
export type FilterJson = Readonly<Record<string, unknown>>;

/** The values of one tag, of which an event has to have one (`#x`), or all (`&x`, draft NIP-91). */
interface TagValues {
  readonly letter: string;
  readonly isAll: boolean;
  readonly values: ReadonlySet<string>;
}

/** See the module's text. A `search` is left to the relay. */
export class AskedFilter {
  readonly #ids: ReadonlySet<string> | null;
  readonly #authors: ReadonlySet<string> | null;
  readonly #kinds: ReadonlySet<number> | null;
  readonly #since: number;
  readonly #until: number;
  readonly #tags: readonly TagValues[];

  constructor(filter: FilterJson) {
    this.#ids = setOf<string>(filter.ids);
    this.#authors = setOf<string>(filter.authors);
    this.#kinds = setOf<number>(filter.kinds);
    this.#since = typeof filter.since === "number" ? filter.since : -Infinity;
    this.#until = typeof filter.until === "number" ? filter.until : Infinity;
    this.#tags = Object.keys(filter).filter((name) => /^[#&].$/.test(name)).map((name) => ({
      letter: name[1]!,
      isAll: name[0] === "&",
      values: setOf<string>(filter[name]) ?? new Set(),
    }));
  }

  /** Whether all conditions hold for an event whose shape is right. */
  matches(event: NostrEvent): boolean {
    if (this.#kinds !== null && !this.#kinds.has(event.kind)) return false;
    if (event.created_at < this.#since || event.created_at > this.#until) return false;
    if (this.#authors !== null && !this.#authors.has(event.pubkey)) return false;
    if (this.#ids !== null && !this.#ids.has(event.id)) return false;
    return this.#tags.every((tag) => hasTag(event, tag));
  }
}

/** Sets by the lists that they were made of: thousands of relays are asked for the same authors. */
const sets = new WeakMap<readonly unknown[], ReadonlySet<unknown>>();

function setOf<Value>(list: unknown): ReadonlySet<Value> | null {
  if (!Array.isArray(list)) return null;
  const known = sets.get(list) as ReadonlySet<Value> | undefined;
  if (known !== undefined) return known;
  const made = new Set<Value>(list);
  sets.set(list, made);
  return made;
}

function hasTag(event: NostrEvent, { letter, isAll, values }: TagValues): boolean {
  const found = new Set<string>();
  for (const [name, value] of event.tags) {
    if (name !== letter || value === undefined || !values.has(value)) continue;
    if (!isAll) return true;
    found.add(value);
  }
  return isAll && values.size > 0 && found.size === values.size;
}
