/**
 * Which events a client is shown: private ones only to their author and recipients (NIP-17, NIP-59), banned ones to
 * nobody (NIP-86). Asked for every event on its way out, so that the usual answer costs next to nothing.
 * Runs on the thread that built it; the bans change while it runs.
 *
 * @module
 */
import type { Filter } from "../nostr/filter.ts";
import { eventOf, idOf, kindOf, pubkeyOf } from "../store/exact.ts";
import type { PrivateKinds } from "./private_kinds.ts";

/** What nobody is shown. */
export interface Hidden {
  readonly bannedPubkeys: ReadonlySet<string>;
  readonly bannedEvents: ReadonlySet<string>;
}

/** See the module's text. */
export class ReadGate {
  #private: PrivateKinds;
  readonly #hidden: Hidden;
  /** Whether the private kinds were others before: what was said of filters then no longer counts. */
  #hasChanged = false;

  constructor(privateKinds: PrivateKinds, hidden: Hidden) {
    this.#private = privateKinds;
    this.#hidden = hidden;
  }

  /** Takes other kinds as private from now on. */
  use(privateKinds: PrivateKinds): void {
    this.#private = privateKinds;
    this.#hasChanged = true;
  }

  /** Whether filters can bring others' private events to who has proved these keys. */
  reachesPrivate(filters: readonly Filter[], authenticated: ReadonlySet<string>): boolean {
    return filters.some((filter) => this.#private.reach(filter, authenticated) === "others");
  }

  /**
   * Whether an event, by its text, may be shown to who has proved these keys.
   *
   * @param reachesPrivate What {@linkcode ReadGate.reachesPrivate} said of the filters that brought it.
   */
  mayShow(text: string, authenticated: ReadonlySet<string>, reachesPrivate: boolean): boolean {
    if (this.isHidden(text)) return false;
    return (!reachesPrivate && !this.#hasChanged) || !this.#private.has(kindOf(text)) ||
      this.#private.mayReceive(eventOf(text), authenticated);
  }

  /** Whether everything that the filters bring may be shown to whom they were asked by; then nobody has to look. */
  showsAll(reachesPrivate: boolean): boolean {
    const { bannedPubkeys, bannedEvents } = this.#hidden;
    return !reachesPrivate && !this.#hasChanged && bannedPubkeys.size === 0 && bannedEvents.size === 0;
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
