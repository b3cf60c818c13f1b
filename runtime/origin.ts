/**
 * An origin: whoever sends events into the data path and is answered, such as a gateway, or control. Owns the origin's
 * lanes: frames out, one lane to each verifier, a sender always to the same one, so that its events keep their order; and
 * outcomes in, from verifiers, the plugin, the store and management. A full lane, or too many unanswered events, is an
 * answer to the sender, never a wait.
 *
 * Each life of an origin has an epoch. Its lanes outlive it: what a successor finds there for its predecessor is dropped.
 * Belongs to the thread of the origin.
 *
 * @module
 */
import { EVENTS_UNANSWERED_MAX, EVENTS_UNANSWERED_ORIGIN_MAX } from "../lib/limits.ts";
import { Doorbell } from "../lib/queue/doorbell.ts";
import { LaneConsumer, LaneProducer } from "../lib/queue/lane.ts";
import { FrameWriter, type Sender } from "../wire/frame.ts";
import { outcomeLanes, type RelayMemory } from "../wire/memory.ts";
import { OutcomeRecord } from "../wire/outcome.ts";

/** One life of an origin; see the module's text. */
export class Origin {
  readonly #frames: readonly FrameWriter[];
  readonly #hasPlugin: boolean;
  readonly #verifierBells: readonly Doorbell[];
  readonly #outcomes: readonly LaneConsumer[];
  /** Of those lanes, how many are the verifiers': they come after the store's. */
  readonly #verifiers: number;
  readonly #outcome = new OutcomeRecord();
  /** Which life this is. */
  readonly epoch: number;
  /** Rings when an outcome has come, or when the origin is to stop. */
  readonly bell: Doorbell;
  #unanswered = 0;

  /** @param number Which origin of the relay's memory. */
  constructor(memory: RelayMemory, number: number, epoch: number) {
    this.#hasPlugin = memory.asked.length > 0;
    this.epoch = epoch;
    this.bell = new Doorbell(memory.bells.origins[number]!);
    this.#frames = memory.frames[number]!
      .map((lane) => new FrameWriter(new LaneProducer(lane), epoch, this.#hasPlugin));
    this.#verifierBells = memory.bells.verifier.map((bell) => new Doorbell(bell));
    this.#outcomes = outcomeLanes(memory, number).map((lane) => new LaneConsumer(lane));
    this.#verifiers = memory.counts.verifiers;
  }

  /** Whether policies want to know where events come from; a plugin always does. */
  set withAddress(is: boolean) {
    for (const frames of this.#frames) frames.withAddress = is || this.#hasPlugin;
  }

  /** Events of this life that are not yet answered. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Bytes that wait in the lanes to the verifiers. */
  get usedBytes(): number {
    return this.#frames.reduce((sum, frames) => sum + frames.usedBytes, 0);
  }

  /**
   * Passes the text of an EVENT message on.
   *
   * @param flags Of wire/frame.ts.
   * @returns null, or why it cannot be taken now: the message of an `OK false`.
   */
  send(sender: Sender, text: string, flags = 0): string | null {
    if (sender.unanswered >= EVENTS_UNANSWERED_MAX) {
      return `rate-limited: more than ${EVENTS_UNANSWERED_MAX} events of this connection wait, slow down`;
    }
    if (this.#unanswered >= EVENTS_UNANSWERED_ORIGIN_MAX) {
      return "rate-limited: the relay is overloaded, try again";
    }
    const verifier = sender.number % this.#frames.length;
    if (!this.#frames[verifier]!.write(sender, text, flags)) {
      return "rate-limited: the relay is overloaded, try again";
    }
    this.#verifierBells[verifier]!.ring();
    sender.unanswered++;
    this.#unanswered++;
    return null;
  }

  /**
   * Hands over the outcomes that have come, `most` of them at most; those of an earlier life count, and go nowhere. An
   * outcome is valid during the call; the origin's users count down what their senders wait for. `wasVerified` says whether
   * the event had passed the verifiers: they refuse for other reasons too, and may do so before they look at a signature.
   *
   * @returns how many were seen.
   */
  drain(receive: (outcome: OutcomeRecord, wasVerified: boolean) => void, most = Infinity): number {
    let seen = 0;
    const outcome = this.#outcome;
    for (const [at, lane] of this.#outcomes.entries()) {
      const wasVerified = at === 0 || at > this.#verifiers;
      while (seen < most && lane.next()) {
        seen++;
        if (outcome.at(lane).epoch !== this.epoch) continue;
        this.#unanswered = Math.max(0, this.#unanswered - 1);
        receive(outcome, wasVerified);
      }
      lane.release();
    }
    return seen;
  }
}
