/**
 * Events of which a copy is with the verifier. Other copies of the same id are held meanwhile, and tried one after the
 * other if that one turns out invalid: whoever forges a copy neither hides the real one nor has each copy verified.
 * Belongs to an upstream thread.
 *
 * ```
 *   offer ─┬▶ send: no copy of the id is there, or there is no room to hold this one
 *          ├▶ held: it differs from those that are there
 *          └▶ same: the text is that of another copy, whose outcome is its own
 *   settle ─▶ the next copy to send, or null
 * ```
 *
 * What is held is bounded: copies of one id, characters of one sender and of all. At a bound nothing is refused: the copy
 * is sent to the verifier too, which costs time and nothing else.
 *
 * @module
 */
import {
  PENDING_CHARS_MAX,
  PENDING_COPIES_MAX,
  PENDING_IDS_MAX,
  PENDING_MS_MAX,
  PENDING_SENDER_CHARS_MAX,
} from "../limits.ts";

/** One relay's copy of an event. */
export interface EventCopy {
  /** The event as JSON. */
  readonly text: string;
  /** The number of the relay that sent it. */
  readonly sender: number;
}

/** What becomes of a copy. */
type Offered = "send" | "held" | "same";

/** What is known of an id until its outcome. */
interface Waiting {
  /** Copies that are with the verifier. */
  inFlight: number;
  /** When the last one was sent, ms. */
  sentAtMs: number;
  /** Copies that are with the verifier, or were there, as far as they are kept. */
  readonly tried: EventCopy[];
  /** Copies that were not. */
  readonly held: EventCopy[];
}

/** See the module's text. */
export class PendingEvents {
  readonly #waiting = new Map<string, Waiting>();
  readonly #charsOf = new Map<number, number>();
  /** Characters of all copies that are kept. */
  chars = 0;

  /** Ids of which a copy is with the verifier. */
  get size(): number {
    return this.#waiting.size;
  }

  /** A relay has sent a copy of an event that was not seen. Says whether to send it to the verifier. */
  offer(id: string, copy: EventCopy, nowMs: number): Offered {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      if (this.#waiting.size < PENDING_IDS_MAX) {
        this.#waiting.set(id, {
          inFlight: 1,
          sentAtMs: nowMs,
          tried: this.#keep(copy) ? [copy] : [],
          held: [],
        });
      }
      return "send";
    }
    if (isThere(waiting.tried, copy) || isThere(waiting.held, copy)) return "same";
    if (waiting.tried.length + waiting.held.length < PENDING_COPIES_MAX && this.#keep(copy)) {
      waiting.held.push(copy);
      return "held";
    }
    waiting.inFlight++;
    return "send";
  }

  /**
   * The verifier has decided about a copy.
   *
   * @param wasValid Whether the event was verified (`wasVerified` of `seen_events.ts`).
   * @returns the next copy to send, if it was not.
   */
  settle(id: string, wasValid: boolean, nowMs: number): EventCopy | null {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return null;
    waiting.inFlight--;
    const next = wasValid ? undefined : waiting.held.shift();
    if (next !== undefined) {
      this.#moveOn(id, waiting, next, nowMs);
      return next;
    }
    if (wasValid || waiting.inFlight <= 0) this.#forget(id, waiting);
    return null;
  }

  /**
   * Gives up copies that have had no outcome for `PENDING_MS_MAX`: one whose text the verifier reads in another way than
   * the sender's thread has no outcome under this id.
   *
   * @returns the copies to send in their place.
   */
  overdue(nowMs: number): { readonly id: string; readonly copy: EventCopy }[] {
    const next: { readonly id: string; readonly copy: EventCopy }[] = [];
    // The map is in the order of sending.
    for (const [id, waiting] of this.#waiting) {
      if (nowMs - waiting.sentAtMs < PENDING_MS_MAX) break;
      waiting.inFlight = 0;
      const copy = waiting.held.shift();
      if (copy === undefined) this.#forget(id, waiting);
      else {
        this.#moveOn(id, waiting, copy, nowMs);
        next.push({ id, copy });
      }
    }
    return next;
  }

  #moveOn(id: string, waiting: Waiting, next: EventCopy, nowMs: number): void {
    waiting.inFlight++;
    waiting.sentAtMs = nowMs;
    waiting.tried.push(next);
    this.#waiting.delete(id);
    this.#waiting.set(id, waiting);
  }

  #keep({ text, sender }: EventCopy): boolean {
    const ofSender = (this.#charsOf.get(sender) ?? 0) + text.length;
    if (ofSender > PENDING_SENDER_CHARS_MAX || this.chars + text.length > PENDING_CHARS_MAX) return false;
    this.#charsOf.set(sender, ofSender);
    this.chars += text.length;
    return true;
  }

  #forget(id: string, { tried, held }: Waiting): void {
    this.#waiting.delete(id);
    for (const copies of [tried, held]) {
      for (const { text, sender } of copies) {
        this.chars -= text.length;
        const rest = this.#charsOf.get(sender)! - text.length;
        if (rest === 0) this.#charsOf.delete(sender);
        else this.#charsOf.set(sender, rest);
      }
    }
  }
}

function isThere(copies: readonly EventCopy[], { text }: EventCopy): boolean {
  return copies.some((copy) => copy.text === text);
}
