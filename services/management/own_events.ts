/**
 * Events that the relay itself has signed, on their way to the verifiers like imported ones: management is an origin.
 * Management's thread owns it. Where lanes are full, they wait here.
 *
 * @module
 */
import { LaneConsumer } from "../../lib/queue/lane.ts";
import { FrameSender, type Sender } from "../../runtime/frame_sender.ts";
import type { Log } from "../../runtime/log.ts";
import { originNumber } from "../../wire/actors.ts";
import { FRAME_IMPORTED } from "../../wire/frame.ts";
import { outcomeLanes, type RelayMemory } from "../../wire/memory.ts";
import { OUTCOME_ID_AT, OUTCOME_MESSAGE_AT, OUTCOME_OK } from "../../wire/outcome.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** See the module's text. */
export class OwnEvents implements Sender {
  readonly number = 0;
  readonly address = "";
  readonly keys = new Uint8Array(0);
  unanswered = 0;
  readonly #frames: FrameSender;
  readonly #outcomes: LaneConsumer[];
  readonly #epoch: number;
  readonly #log: Log;
  #waiting: string[] = [];

  constructor(memory: RelayMemory, epoch: number, log: Log) {
    const origin = originNumber(memory.counts, "management");
    this.#frames = new FrameSender(memory, origin, epoch);
    this.#outcomes = outcomeLanes(memory, origin).map((lane) => new LaneConsumer(lane));
    this.#epoch = epoch;
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
      if (this.#frames.send(this, `["EVENT",${event}]`, FRAME_IMPORTED) !== null) break;
      sent++;
    }
    if (sent > 0) this.#waiting = this.#waiting.slice(sent);
  }

  /** Takes what became of them. */
  drain(): void {
    for (const lane of this.#outcomes) {
      while (lane.next()) this.#answered(lane);
      lane.release();
    }
  }

  #answered(lane: LaneConsumer): void {
    const word = lane.offset >>> 2;
    if (lane.words[word] !== this.#epoch) return;
    this.#frames.unanswered = Math.max(0, this.#frames.unanswered - 1);
    this.unanswered = Math.max(0, this.unanswered - 1);
    if (lane.type === OUTCOME_OK && lane.words[word + 4] === 1) return;
    const at = lane.offset + (lane.type === OUTCOME_OK ? OUTCOME_MESSAGE_AT : OUTCOME_ID_AT);
    const message = decoder.decode(lane.bytes.slice(at, at + lane.words[word + 5]!));
    this.#log.warn(`an event of the relay's own was refused: ${message}`);
  }
}
