/**
 * Events that the relay itself has signed, on their way to the verifiers like anybody's.
 * Control's thread owns it. Where lanes are full, they wait here.
 *
 * @module
 */
import type { Log } from "../../runtime/log.ts";
import type { Origin } from "../../runtime/origin.ts";
import type { Sender } from "../../wire/frame.ts";
import type { OutcomeRecord } from "../../wire/outcome.ts";

/** The number of this sender; imports begin with 1. */
export const OWN_EVENTS = 0;

/** See the module's text. */
export class OwnEvents implements Sender {
  readonly number = OWN_EVENTS;
  readonly source = "own";
  readonly address = "";
  readonly keys = new Uint8Array(0);
  unanswered = 0;
  readonly #origin: Origin;
  readonly #log: Log;
  #waiting: string[] = [];

  constructor(origin: Origin, log: Log) {
    this.#origin = origin;
    this.#log = log;
  }

  add(events: readonly string[]): void {
    this.#waiting.push(...events);
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

  answer({ accepted, message }: OutcomeRecord): void {
    this.unanswered = Math.max(0, this.unanswered - 1);
    if (!accepted) this.#log.warn(`an event of the relay's own was refused: ${message}`);
  }
}
