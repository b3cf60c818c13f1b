/**
 * Which events may leave by the router at this moment: none that is banned or has expired, and a private one only if the
 * operator's filter names its kind. Asked when an event is about to be sent, because decisions change meanwhile.
 * Runs on the router's thread; the bans change while it runs.
 *
 * @module
 */
import { eventOf, kindOf } from "../nostr/exact.ts";
import { expiresAt } from "../nostr/event.ts";
import type { ReadGate } from "../policy/read_gate.ts";
import type { EventFilter } from "./event_filter.ts";

const EXPIRATION = '["expiration"';

/** What decides. */
interface RightsParts {
  readonly gate: ReadGate;
  /** `FORWARD_FILTER`. */
  readonly filter: EventFilter;
  readonly nowSeconds: () => number;
}

/** See the module's text. */
export class ForwardRights {
  readonly #parts: RightsParts;

  constructor(parts: RightsParts) {
    this.#parts = parts;
  }

  /** Whether an event that the operator's filter matches may be sent now. */
  allows(text: string): boolean {
    const { gate, filter, nowSeconds } = this.#parts;
    if (gate.isHidden(text)) return false;
    const kind = kindOf(text);
    if (gate.privateKinds.has(kind) && !filter.namesKind(kind)) return false;
    if (!text.includes(EXPIRATION)) return true;
    const expires = expiresAt(eventOf(text));
    return expires === 0 || expires > nowSeconds();
  }

  /** Whether the operator's filter names a kind that is private: then not everybody may read what leaves. */
  get reachesPrivate(): boolean {
    const { gate, filter } = this.#parts;
    return [...filter.kinds ?? []].some((kind) => gate.privateKinds.has(kind));
  }
}
