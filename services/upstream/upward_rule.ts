/**
 * Which events may go up to other relays: those of the stream's filter that anybody may read here. A kind that only its
 * author and recipients may read goes up only where the filter names it; what is banned, what has expired, and what only
 * its author may publish (NIP-70), never does.
 * Runs on an upstream worker; follows the settings and the operator's decisions.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { readEventFilter } from "../../lib/forward/event_filter.ts";
import type { ManagementFollower } from "../../lib/management/change_log.ts";
import { expiresAt } from "../../lib/nostr/event.ts";
import { eventOf, kindOf, tagsPart } from "../../lib/nostr/exact.ts";
import { ReadGate } from "../../lib/policy/read_gate.ts";
import { privateKinds } from "../../lib/relay/configured_policies.ts";
import type { Stream } from "../../lib/routing/stream.ts";

/** How the tag of a protected event begins in a stored text. */
const PROTECTED = '["-"';
/** The same of an event that expires. */
const EXPIRATION = '["expiration"';

/** See the module's text. */
export class UpwardRule {
  readonly #config: () => Config;
  readonly #decisions: ManagementFollower;
  readonly #gate: ReadGate;
  #gateOf: Config;

  constructor(config: () => Config, decisions: ManagementFollower) {
    this.#config = config;
    this.#decisions = decisions;
    this.#gateOf = config();
    this.#gate = new ReadGate(privateKinds(this.#gateOf), decisions.view);
  }

  /** Says of each stored event, by its text, whether a stream takes it up. */
  of({ filter }: Pick<Stream, "filter">): (text: string) => boolean {
    const matching = readEventFilter(filter);
    const named = new Set((filter.kinds ?? []) as number[]);
    return (text) => {
      if (!matching.matches(text) || tagsPart(text).includes(PROTECTED) || hasExpired(text)) return false;
      this.#refresh();
      const kind = kindOf(text);
      return !this.#gate.isHidden(text) && (named.has(kind) || !this.#gate.privateKinds.has(kind));
    };
  }

  #refresh(): void {
    this.#decisions.refresh();
    if (this.#config() === this.#gateOf) return;
    this.#gateOf = this.#config();
    this.#gate.use(privateKinds(this.#gateOf));
  }
}

/** The log holds events for a while after they have expired. */
function hasExpired(text: string): boolean {
  if (!tagsPart(text).includes(EXPIRATION)) return false;
  const expires = expiresAt(eventOf(text));
  return expires > 0 && expires <= Math.floor(Date.now() / 1000);
}
