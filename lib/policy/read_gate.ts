/**
 * Which events a client is shown: private ones only to their author and recipients (NIP-17, NIP-59), banned ones to
 * nobody (NIP-86). Whatever answers a request asks before it counts, so that what a client may not read is in no limit, no
 * count and no hint; the usual answer costs next to nothing.
 * Runs on the thread that built it; the bans change while it runs.
 *
 * @module
 */
import type { Filter } from "../nostr/filter.ts";
import { eventOf, idOf, kindOf, pubkeyOf } from "../nostr/exact.ts";
import type { PrivateKinds } from "./private_kinds.ts";

/** What nobody is shown. */
interface Hidden {
  readonly bannedPubkeys: ReadonlySet<string>;
  readonly bannedEvents: ReadonlySet<string>;
}

/** See the module's text. */
export class ReadGate {
  #private: PrivateKinds;
  readonly #hidden: Hidden;
  /** Counts how often the private kinds were others: what was said of filters before no longer counts then. */
  #version = 0;

  constructor(privateKinds: PrivateKinds, hidden: Hidden) {
    this.#private = privateKinds;
    this.#hidden = hidden;
  }

  /** The kinds that are private now. */
  get privateKinds(): PrivateKinds {
    return this.#private;
  }

  /** Changes when other kinds are private. */
  get version(): number {
    return this.#version;
  }

  /** What nobody is shown now. */
  get hidden(): Hidden {
    return this.#hidden;
  }

  /** Takes other kinds as private from now on. */
  use(privateKinds: PrivateKinds): void {
    this.#private = privateKinds;
    this.#version++;
  }

  /** What who has proved these keys may read by these filters. Keys that are proved later count too. */
  rightsOf(filters: readonly Filter[], authenticated: ReadonlySet<string>): ReadingRights {
    return new ReadingRights(this, filters, authenticated);
  }

  /** Whether nobody is shown the event. */
  isHidden(text: string): boolean {
    const { bannedPubkeys, bannedEvents } = this.#hidden;
    return (bannedPubkeys.size > 0 && bannedPubkeys.has(pubkeyOf(text))) ||
      (bannedEvents.size > 0 && bannedEvents.has(idOf(text)));
  }

  /** Who may be shown an event of this kind: a function of the proved keys, made once for many clients. */
  audience(kind: number, text: string): (authenticated: ReadonlySet<string>) => boolean {
    if (this.isHidden(text)) return () => false;
    if (!this.#private.has(kind)) return () => true;
    const event = eventOf(text);
    return (authenticated) => this.#private.mayReceive(event, authenticated);
  }
}

/** What one request may bring to the client that made it. Follows what is decided while the request is answered. */
export class ReadingRights {
  readonly #gate: ReadGate;
  readonly #authenticated: ReadonlySet<string>;
  readonly #version: number;
  /** Whether they could when it was made. */
  readonly #reachesPrivate: boolean;

  constructor(gate: ReadGate, filters: readonly Filter[], authenticated: ReadonlySet<string>) {
    this.#gate = gate;
    this.#authenticated = authenticated;
    this.#version = gate.version;
    this.#reachesPrivate = filters.some((filter) => gate.privateKinds.reachesOthers(filter, authenticated));
  }

  /** Whether the client may read whatever the filters bring, so that no event has to be looked at. */
  get isWhole(): boolean {
    const { bannedPubkeys, bannedEvents } = this.#gate.hidden;
    return !this.reachesPrivate && bannedPubkeys.size === 0 && bannedEvents.size === 0;
  }

  /** What a scan has to ask of each event ({@linkcode ReadingRights.allows}), or null: nothing. */
  get mayRead(): ((text: string) => boolean) | null {
    return this.isWhole ? null : (text) => this.allows(text);
  }

  /** Whether the client may know of an event that the filters bring, by its text. */
  allows(text: string): boolean {
    if (this.#gate.isHidden(text)) return false;
    const { privateKinds } = this.#gate;
    return !this.reachesPrivate || !privateKinds.has(kindOf(text)) ||
      privateKinds.mayReceive(eventOf(text), this.#authenticated);
  }

  /** Whether the filters can bring others' private events. */
  get reachesPrivate(): boolean {
    return this.#reachesPrivate || this.#version !== this.#gate.version;
  }
}
