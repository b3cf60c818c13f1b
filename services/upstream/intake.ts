/**
 * The way of an event from an upstream relay into the data path: past deduplication, as a frame to a verifier, and its
 * outcome back to all relays that sent it. Each frame has a number of its own, so that an outcome is never taken for
 * another event's.
 *
 * ```
 *   offer ─▶ seen before? ─▶ a copy with a verifier? ─▶ waiting ─▶ in flight ─▶ outcome ─▶ settled, for each sender
 *              │ settled        │ waits for its outcome    ▲                        │
 *              │ "duplicate"    │ or is tried after it     ╰── next copy, or again ─╯
 * ```
 *
 * Where there is no room, the sender's socket is not read: lanes that are full, too many events of ours in flight, too many
 * of one relay. Runs on an upstream worker, which owns it.
 *
 * @module
 */
import type { EventCopy, PendingEvents } from "../../lib/dedupe/pending_events.ts";
import type { SeenEvents } from "../../lib/dedupe/seen_events.ts";
import {
  FRAME_BYTES_MAX,
  UPSTREAM_AGAIN_MS,
  UPSTREAM_AGAIN_TRIES_MAX,
  UPSTREAM_IN_FLIGHT_MAX,
  UPSTREAM_UNSETTLED_CHARS_MAX,
  UPSTREAM_UNSETTLED_MAX,
  UPSTREAM_WAITING_CHARS_MAX,
} from "../../lib/limits.ts";
import { slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { classOfOutcome, type JudgedOutcome } from "../../lib/upstream/outcome_class.ts";
import type { Origin } from "../../runtime/origin.ts";
import type { Sender } from "../../wire/frame.ts";

const EVENTS = slotOf("nostr_upstream_events_total");
const DUPLICATES = slotsOf("nostr_upstream_duplicates_total");
const INVALID = slotOf("nostr_upstream_invalid_total");
const PAUSES = slotOf("nostr_upstream_pauses_total");
const NO_KEYS = new Uint8Array(0);
/** Numbers of frames begin anew after this one; they are u32 on the wire. */
const LAST_NUMBER = 0xffff_ffff;

/** What became of an event. */
export type Settled = "stored" | "duplicate" | "refused" | "invalid";

/** One connection with a relay that sends events. */
export interface EventSource {
  /** Unique among the connections of this worker's life. */
  readonly number: number;
  readonly url: string;
  /** Nothing more is read from it, or it is read again. */
  pause(): void;
  resume(): void;
  /** One of its events is forged; the message says how. */
  sentInvalid(message: string): void;
  /** Its events are what they say. */
  sentValid(): void;
  /** Its events cannot be taken: the connection is to end, and what was not settled is fetched again. */
  giveUp(reason: string): void;
}

/** An event that a relay offers. */
export interface OfferedEvent {
  readonly text: string;
  readonly id: string;
  /** Called once, unless the source is told to give up. */
  readonly settled: (result: Settled) => void;
}

/** A relay that waits for the outcome of an event. */
interface Waiter {
  readonly source: EventSource;
  readonly text: string;
  readonly settled: OfferedEvent["settled"];
}

/** A copy on its way to a verifier. */
interface Frame {
  readonly id: string;
  readonly copy: EventCopy;
  tries: number;
}

/** What a source has that is not settled. */
interface Share {
  readonly source: EventSource;
  events: number;
  chars: number;
  isPaused: boolean;
}

/** What it works with. */
interface IntakeParts {
  readonly origin: Pick<Origin, "send">;
  readonly seen: SeenEvents;
  readonly pending: PendingEvents;
  readonly metrics: Pick<ThreadMetrics, "add">;
  /** Milliseconds of a clock that does not jump. */
  readonly nowMs: () => number;
}

/** See the module's text. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #sender: { -readonly [Field in keyof Sender]: Sender[Field] };
  readonly #shares = new Map<number, Share>();
  /** Who waits, by the id of the event. */
  readonly #waiters = new Map<string, Waiter[]>();
  /** Frames that wait for room, the first at `#head`. */
  #queue: Frame[] = [];
  #head = 0;
  #queuedChars = 0;
  readonly #inFlight = new Map<number, Frame>();
  #lastNumber = 0;
  #restsUntilMs = -Infinity;
  /** The layer that was found for the id that was asked for last. */
  #looked: { readonly id: string; readonly layer: keyof typeof DUPLICATES | null } | null = null;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#sender = { number: 0, source: "upstream", unanswered: 0, keys: NO_KEYS, address: "" };
  }

  /** Events that are with a verifier, or on the way to one. */
  get unanswered(): number {
    return this.#inFlight.size + this.#queue.length - this.#head;
  }

  /** Whether frames wait for room that nobody rings for. */
  get waits(): boolean {
    return this.#head < this.#queue.length && this.#inFlight.size < UPSTREAM_IN_FLIGHT_MAX;
  }

  /** Whether the event of this id was verified before. The next {@linkcode offer} of it does not look again. */
  isSeen(id: string): boolean {
    const layer = this.#parts.seen.layerOf(id);
    this.#looked = { id, layer };
    return layer !== null;
  }

  /** Takes an event of a relay. */
  offer(source: EventSource, event: OfferedEvent): void {
    const { pending, metrics, nowMs } = this.#parts;
    const { id } = event;
    metrics.add(EVENTS, 1);
    const layer = this.#looked?.id === id ? this.#looked.layer : this.#parts.seen.layerOf(id);
    this.#looked = null;
    if (layer !== null) {
      metrics.add(DUPLICATES[layer], 1);
      return event.settled("duplicate");
    }
    // A frame that is too long for a lane is nobody's to verify.
    if (event.text.length > FRAME_BYTES_MAX) return event.settled("refused");
    const copy = { text: event.text, sender: source.number };
    const offered = pending.offer(id, copy, nowMs());
    this.#wait(source, event);
    if (offered !== "send") return metrics.add(DUPLICATES.pending, 1);
    this.#push({ id, copy, tries: 0 });
    this.flush();
    if (this.#queuedChars > UPSTREAM_WAITING_CHARS_MAX) {
      source.giveUp("this relay cannot take more events at present");
    }
  }

  /** Sends what there is room for. */
  flush(): void {
    if (this.#parts.nowMs() < this.#restsUntilMs) return;
    while (this.#head < this.#queue.length && this.#inFlight.size < UPSTREAM_IN_FLIGHT_MAX) {
      const frame = this.#queue[this.#head]!;
      if (!this.#send(frame)) return;
      this.#head++;
      this.#queuedChars -= frame.copy.text.length;
    }
    if (this.#head === this.#queue.length || this.#head > 1_000) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Takes an outcome, by the number of its frame. */
  answered(number: number, outcome: JudgedOutcome): void {
    const frame = this.#inFlight.get(number);
    if (frame === undefined) return;
    this.#inFlight.delete(number);
    const verdict = classOfOutcome(outcome);
    if (verdict === "again") return this.#again(frame, outcome.message);
    if (verdict === "invalid" || verdict === "unwanted") {
      const next = this.#parts.pending.settle(frame.id, false, this.#parts.nowMs());
      this.#settleCopies(frame, verdict === "invalid" ? outcome.message : null);
      if (next !== null) this.#push({ id: frame.id, copy: next, tries: 0 });
      return;
    }
    this.#parts.seen.add(frame.id);
    this.#parts.pending.settle(frame.id, true, this.#parts.nowMs());
    this.#settleAll(frame, verdict);
  }

  /** Gives up on outcomes that do not come. Called about once a second. */
  tick(): void {
    for (const { id, copy } of this.#parts.pending.overdue(this.#parts.nowMs())) {
      this.#push({ id, copy, tries: 0 });
    }
    this.flush();
  }

  /** A connection has ended: what it waited for is nobody's. Its copies are verified all the same. */
  left(source: EventSource): void {
    this.#shares.delete(source.number);
  }

  #send(frame: Frame): boolean {
    this.#lastNumber = this.#lastNumber === LAST_NUMBER ? 1 : this.#lastNumber + 1;
    this.#sender.number = this.#lastNumber;
    this.#sender.unanswered = 0;
    this.#sender.address = this.#shares.get(frame.copy.sender)?.source.url ?? "";
    if (this.#parts.origin.send(this.#sender, `["EVENT",${frame.copy.text}]`) !== null) return false;
    this.#inFlight.set(this.#lastNumber, frame);
    return true;
  }

  #push(frame: Frame): void {
    this.#queue.push(frame);
    this.#queuedChars += frame.copy.text.length;
  }

  /** The disk or a plugin is at fault: all rest for a while, and nothing is lost. */
  #again(frame: Frame, message: string): void {
    if (++frame.tries < UPSTREAM_AGAIN_TRIES_MAX) {
      this.#restsUntilMs = this.#parts.nowMs() + UPSTREAM_AGAIN_MS;
      return this.#push(frame);
    }
    this.#parts.pending.settle(frame.id, true, this.#parts.nowMs());
    for (const { source } of this.#takeWaiters(frame.id, () => true)) {
      source.giveUp(`this relay cannot store events: ${message}`);
    }
  }

  #wait(source: EventSource, { id, text, settled }: OfferedEvent): void {
    const waiters = this.#waiters.get(id) ?? [];
    this.#waiters.set(id, waiters);
    // One text for all who sent the same one.
    const shared = waiters.find((waiter) => waiter.text === text)?.text ?? text;
    waiters.push({ source, text: shared, settled });
    const share = this.#shares.get(source.number) ?? { source, events: 0, chars: 0, isPaused: false };
    this.#shares.set(source.number, share);
    share.events++;
    share.chars += text.length;
    const isFull = share.events >= UPSTREAM_UNSETTLED_MAX || share.chars >= UPSTREAM_UNSETTLED_CHARS_MAX;
    if (share.isPaused || !(isFull || this.#head < this.#queue.length)) return;
    share.isPaused = true;
    this.#parts.metrics.add(PAUSES, 1);
    source.pause();
  }

  /** The frame's text was refused: tells those who sent this text. */
  #settleCopies({ id, copy }: Frame, fault: string | null): void {
    for (const { source, settled } of this.#takeWaiters(id, ({ text }) => text === copy.text)) {
      if (fault !== null) {
        this.#parts.metrics.add(INVALID, 1);
        source.sentInvalid(fault);
      }
      settled(fault === null ? "refused" : "invalid");
    }
  }

  /** The event was verified: tells all who sent it; it is new by one of them. */
  #settleAll({ id, copy }: Frame, verdict: "stored" | "duplicate" | "refused"): void {
    let isNew = verdict === "stored";
    for (const { source, text, settled } of this.#takeWaiters(id, () => true)) {
      if (text === copy.text) source.sentValid();
      settled(verdict !== "stored" ? verdict : isNew ? "stored" : "duplicate");
      isNew = false;
    }
  }

  #takeWaiters(id: string, which: (waiter: Waiter) => boolean): Waiter[] {
    const waiters = this.#waiters.get(id) ?? [];
    const taken = waiters.filter(which);
    const left = waiters.filter((waiter) => !which(waiter));
    if (left.length === 0) this.#waiters.delete(id);
    else this.#waiters.set(id, left);
    for (const { source, text } of taken) this.#free(source, text.length);
    return taken;
  }

  #free(source: EventSource, chars: number): void {
    const share = this.#shares.get(source.number);
    if (share === undefined || share.source !== source) return;
    share.events--;
    share.chars -= chars;
    if (
      share.isPaused && 2 * share.events < UPSTREAM_UNSETTLED_MAX &&
      2 * share.chars < UPSTREAM_UNSETTLED_CHARS_MAX
    ) {
      share.isPaused = false;
      source.resume();
    }
    if (share.events === 0) this.#shares.delete(source.number);
  }
}
