/**
 * Kinds that only their author and their recipients may read: direct messages and gift wraps (NIP-04, NIP-17,
 * NIP-59). Two gates: one for requests, which tells a client to authenticate, and one for every single event on its way
 * out, which keeps the promise.
 * Runs on the thread that built it; no state.
 *
 * @module
 */
import type { NostrEvent } from "../nostr/event.ts";
import type { Filter } from "../nostr/filter.ts";
import type { RequestPolicy } from "./policy.ts";
import type { ValueSet } from "../value_set.ts";

/** The private kinds unless the operator names others: messages, sealed or not, and gift wraps, kept or ephemeral. */
export const PRIVATE_KINDS_DEFAULT: readonly number[] = [4, 13, 14, 15, 1059, 21_059];

/** The gates for one set of kinds. */
export class PrivateKinds {
  readonly #kinds: ValueSet<number>;

  constructor(kinds: ValueSet<number>) {
    this.#kinds = kinds;
  }

  /** Whether a kind is private. */
  has(kind: number): boolean {
    return this.#kinds.has(kind);
  }

  /** Whether the event may be sent to a connection that has proved these keys. */
  mayReceive(event: NostrEvent, authenticated: ReadonlySet<string>): boolean {
    if (!this.#kinds.has(event.kind)) return true;
    if (authenticated.size === 0) return false;
    if (authenticated.has(event.pubkey)) return true;
    return event.tags.some((tag) => tag[0] === "p" && tag[1] !== undefined && authenticated.has(tag[1]));
  }

  /**
   * Whether the filter can bring others' private events: then only those count that pass
   * {@linkcode PrivateKinds.mayReceive}.
   */
  reachesOthers(filter: Filter, authenticated: ReadonlySet<string>): boolean {
    if (filter.kinds && !filter.kinds.some((kind) => this.#kinds.has(kind))) return false;
    return !keyLists(filter).some((keys) => keys.every((key) => authenticated.has(key)));
  }

  /**
   * Makes the policy for a REQ. Cost: `lookup`.
   *
   * A filter that names a private kind needs a proved key. If it names private kinds only, it also has to name the
   * client's key (`authors` or `#p`) or single events (`ids`): anything else would search through others' messages.
   * A filter without kinds is served; `mayReceive` leaves out what is private.
   */
  requests(): RequestPolicy {
    const ownPrivateKinds: RequestPolicy = (filters, { authenticated }) => {
      for (const filter of filters) {
        const refusal = this.#refusal(filter, authenticated);
        if (refusal !== null) return refusal;
      }
      return null;
    };
    return ownPrivateKinds;
  }

  #refusal(filter: Filter, authenticated: ReadonlySet<string>): string | null {
    if (!filter.kinds?.some((kind) => this.#kinds.has(kind))) return null;
    if (authenticated.size === 0) return AUTH_REQUIRED;
    if (filter.ids || !filter.kinds.every((kind) => this.#kinds.has(kind))) return null;
    const namesOwn = keyLists(filter).some((keys) => keys.some((key) => authenticated.has(key)));
    return namesOwn ? null : RESTRICTED;
  }
}

/** The lists of keys of which one has to be an event's author or recipient. */
function keyLists(filter: Filter): (readonly string[])[] {
  const lists = filter.tags.filter(({ letter }) => letter === "p").map(({ values }) => values);
  return filter.authors ? [filter.authors, ...lists] : lists;
}

const AUTH_REQUIRED = "auth-required: these kinds are shown to their authors and recipients only";
const RESTRICTED =
  "restricted: these kinds are shown to their authors and recipients only: name your key in " +
  "authors or #p";
