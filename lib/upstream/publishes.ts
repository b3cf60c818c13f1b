/**
 * Events that were published to one relay and are not answered: a window of them, and a queue behind it. The window
 * shrinks to a half when the relay says `rate-limited:`, and grows by one with each event that the relay accepts.
 * Belongs to the conversation with the relay, on its thread.
 *
 * @module
 */
import {
  UPSTREAM_OK_MS_MAX,
  UPSTREAM_PUBLISHES_WAITING_MAX,
  UPSTREAM_UNANSWERED_BYTES_MAX,
  UPSTREAM_UNANSWERED_MAX,
} from "../limits.ts";
import type { PublishOutcome } from "./relay_conversation.ts";
import { Repeats } from "./repeats.ts";
import type { Situation } from "./situation.ts";

interface Publish {
  readonly id: string;
  readonly text: string;
  readonly answer: PromiseWithResolvers<PublishOutcome>;
  readonly repeats: Repeats;
  untilMs: number;
}

/** See the module's text. */
export class Publishes {
  readonly #situation: Situation;
  readonly #unanswered = new Map<string, Publish>();
  readonly #waiting = new Map<string, Publish>();
  #unansweredChars = 0;
  #window = UPSTREAM_UNANSWERED_MAX;

  constructor(situation: Situation) {
    this.#situation = situation;
  }

  /** Events without an answer, those that wait included. */
  get size(): number {
    return this.#unanswered.size + this.#waiting.size;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Queues an event; one that is under way already has one answer for all who ask. */
  add(text: string, id: string): Promise<PublishOutcome> {
    const known = this.#unanswered.get(id) ?? this.#waiting.get(id);
    if (known !== undefined) return known.answer.promise;
    if (this.#waiting.size >= UPSTREAM_PUBLISHES_WAITING_MAX) {
      const state = `${UPSTREAM_PUBLISHES_WAITING_MAX} events wait for this relay already`;
      return Promise.reject(new RangeError(`Cannot publish event "${id}": ${state}`));
    }
    const answer = Promise.withResolvers<PublishOutcome>();
    this.#waiting.set(id, { id, text, answer, repeats: new Repeats(), untilMs: Infinity });
    return answer.promise;
  }

  /** Sends what the window allows. */
  flush(): void {
    const { proof, nowMs, send } = this.#situation;
    for (const publish of this.#waiting.values()) {
      if (this.#isFull(publish)) return;
      if (!publish.repeats.isReady(proof)) continue;
      this.#waiting.delete(publish.id);
      this.#unanswered.set(publish.id, publish);
      this.#unansweredChars += publish.text.length;
      publish.untilMs = nowMs + UPSTREAM_OK_MS_MAX;
      publish.repeats.sent(proof);
      send(`["EVENT",${publish.text}]`);
    }
  }

  #isFull(next: Publish): boolean {
    if (this.#unanswered.size === 0) return false;
    return this.#unanswered.size >= this.#window ||
      this.#unansweredChars + next.text.length > UPSTREAM_UNANSWERED_BYTES_MAX;
  }

  /** Takes an OK. Returns whether an event waited for it. */
  answered(id: string, outcome: PublishOutcome): boolean {
    const publish = this.#unanswered.get(id);
    if (publish === undefined) return false;
    this.#forget(publish);
    const { pace, nowMs } = this.#situation;
    if (outcome.accepted) {
      pace.speedUp(nowMs);
      this.#window = Math.min(this.#window + 1, UPSTREAM_UNANSWERED_MAX);
    } else if (outcome.message.startsWith("rate-limited:") && !pace.isPaused(nowMs)) {
      this.#window = Math.max(1, this.#window >>> 1);
    }
    if (!outcome.accepted && publish.repeats.refused(outcome.message, this.#situation)) {
      this.#waiting.set(id, publish);
    } else {
      publish.answer.resolve(outcome);
    }
    return true;
  }

  /** Ends what has waited too long. */
  tick(): void {
    const { proof, nowMs } = this.#situation;
    for (const publish of this.#unanswered.values()) {
      if (nowMs < publish.untilMs) continue;
      this.#forget(publish);
      const state = `the relay did not answer within ${UPSTREAM_OK_MS_MAX} ms`;
      publish.answer.reject(new Error(`Cannot publish event "${publish.id}": ${state}`));
    }
    for (const publish of this.#waiting.values()) {
      const message = publish.repeats.final({ proof, nowMs });
      if (message === null) continue;
      this.#waiting.delete(publish.id);
      publish.answer.resolve({ accepted: false, message });
    }
  }

  /** The connection has ended. */
  end(reason: string): void {
    const all = [...this.#unanswered.values(), ...this.#waiting.values()];
    this.#unanswered.clear();
    this.#waiting.clear();
    this.#unansweredChars = 0;
    for (const { id, answer } of all) answer.reject(new Error(`Cannot publish event "${id}": ${reason}`));
  }

  #forget(publish: Publish): void {
    this.#unanswered.delete(publish.id);
    this.#unansweredChars -= publish.text.length;
  }
}
