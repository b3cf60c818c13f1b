/**
 * Events that the relay itself has signed, on their way to the verifiers like anybody's: management is an origin.
 * Management's thread owns it. Where lanes are full, they wait here.
 *
 * @module
 */
import type { Logger } from "../../runtime/logger.ts";
import { Origin } from "../../runtime/origin.ts";
import { originNumber } from "../../wire/actors.ts";
import type { Sender } from "../../wire/frame.ts";
import type { RelayMemory } from "../../wire/memory.ts";
import type { OutcomeRecord } from "../../wire/outcome.ts";

/** See the module's text. */
export class OwnEvents implements Sender {
  readonly number = 0;
  readonly source = "own";
  readonly address = "";
  readonly keys = new Uint8Array(0);
  unanswered = 0;
  readonly #origin: Origin;
  readonly #log: Logger;
  #waiting: string[] = [];

  constructor(memory: RelayMemory, epoch: number, log: Logger) {
    this.#origin = new Origin(memory, originNumber(memory.counts, "management"), epoch);
    this.#log = log;
  }

  /** Sends events, as texts, in their order. */
  publish(events: readonly string[]): void {
    this.#waiting.push(...events);
    this.send();
  }

  /** Passes on what there is room for. */
  send(): void {
    let sent = 0;
    for (const event of this.#waiting) {
      if (this.#origin.send(this, `["EVENT",${event}]`) !== null) break;
      sent++;
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
  }

  /** Takes what became of them. */
  drain(): void {
    this.#origin.drain((outcome) => this.#answered(outcome));
  }

  #answered({ accepted, message }: OutcomeRecord): void {
    this.unanswered = Math.max(0, this.unanswered - 1);
    if (!accepted) this.#log.warn(`an event of the relay's own was refused: ${message}`);
  }
}
