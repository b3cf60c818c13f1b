/**
 * Events that the store hands over: requests to join or leave, which are answered here in its place, and copies of reports.
 * Management's thread owns it. An event is released only after its answer was sent; a successor of this thread meets it
 * again, and finds what was decided.
 *
 * @module
 */
import { MANAGEMENT_EVENTS_PER_TURN, OUTCOME_MESSAGE_BYTES_MAX } from "../../lib/limits.ts";
import { managedKinds } from "../../lib/management/managed_kinds.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { LaneConsumer, LaneProducer } from "../../lib/queue/lane.ts";
import type { ActorStart } from "../../runtime/actor.ts";
import { sendOk } from "../../wire/outcome.ts";
import { PackedRecord } from "../../wire/packed.ts";
import type { ManagementOwner } from "./owner.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** See the module's text. */
export class ManagementInbox {
  readonly #owner: ManagementOwner;
  readonly #kinds: ReturnType<typeof managedKinds>;
  readonly #lane: LaneConsumer;
  readonly #record = new PackedRecord();
  readonly #answers: LaneProducer[];
  readonly #originBells: Doorbell[];
  readonly #bell: Doorbell;

  constructor({ config, memory }: ActorStart, owner: ManagementOwner) {
    this.#owner = owner;
    this.#kinds = managedKinds(config.MEMBERSHIP);
    this.#lane = new LaneConsumer(memory.handed);
    this.#answers = memory.answers.map((lane) => new LaneProducer(lane));
    this.#originBells = memory.bells.origins.map((bell) => new Doorbell(bell));
    this.#bell = new Doorbell(memory.bells.management[0]!);
  }

  /** Takes events, up to a bound a turn. Returns their number. */
  drain(): number {
    let taken = 0;
    while (taken < MANAGEMENT_EVENTS_PER_TURN && this.#lane.next()) {
      taken++;
      this.#receive(this.#record.at(this.#lane));
      this.#lane.release();
    }
    return taken;
  }

  #receive(record: PackedRecord): void {
    const { event, origin } = record;
    const text = decoder.decode(event.text.slice());
    if (this.#kinds.get(event.kind) === "copy") {
      this.#owner.reported(text);
      return this.#bell.crashIfAsked();
    }
    const { accepted, message } = this.#owner.answerMember(text);
    this.#bell.crashIfAsked();
    sendOk(this.#answers[origin]!, record, event.id, accepted, fitted(message));
    this.#originBells[origin]!.ring();
  }
}

/** As much of a message as an outcome holds: it may name the relay's URL, which has no bound. */
function fitted(message: string): string {
  return message.slice(0, encoder.encodeInto(message, new Uint8Array(OUTCOME_MESSAGE_BYTES_MAX)).read);
}
