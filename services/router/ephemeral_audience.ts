/**
 * Tells the store that ephemeral events may be heard here: without any target it need not publish them, and their senders
 * are told so. Counts the operator's filter, while there is anybody to whom events go.
 * Runs on the router's thread, which owns it.
 *
 * @module
 */
import type { Filter } from "../../lib/nostr/filter.ts";
import { Audience, type AudienceMemory, mayHearEphemeral } from "../../lib/subscription/audience.ts";
import { placeOf } from "../../lib/subscription/compiled_filter.ts";

/** See the module's text. */
export class EphemeralAudience {
  readonly #audience: Audience;
  readonly #filter: Filter;
  #isThere = false;

  constructor(memory: AudienceMemory, filter: Filter) {
    this.#audience = new Audience(memory);
    this.#filter = filter;
  }

  /** Whether there is anybody now. */
  set isThere(is: boolean) {
    if (is === this.#isThere || !mayHearEphemeral(this.#filter)) return;
    this.#isThere = is;
    const { place, keys } = placeOf(this.#filter);
    for (const key of place === "any" ? [0] : keys) this.#audience.count(place, key, is ? 1 : -1);
  }
}
