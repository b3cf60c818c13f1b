/**
 * How others reach the verifiers: hands them EVENT frames, one lane each, a connection always to the same one, so that
 * a client's events keep their order. A full lane, or too many unanswered events, is an answer to the client, never a wait.
 * Belongs to the thread of its origin: a gateway, or control.
 *
 * @module
 */
import { EVENTS_UNANSWERED_MAX, EVENTS_UNANSWERED_ORIGIN_MAX } from "../lib/limits.ts";
import { Doorbell } from "../lib/queue/doorbell.ts";
import { LaneProducer } from "../lib/queue/lane.ts";
import type { RelayMemory } from "../wire/memory.ts";
import { FRAME, FRAME_HEADER_BYTES } from "../wire/frame.ts";

/** Whoever sends events and is to be answered: a client's connection, or an import. */
export interface Sender {
  /** Unique within this life of the origin. */
  readonly number: number;
  /** Events passed on and not yet answered. */
  unanswered: number;
  /** The keys that it has proved (NIP-42), 32 bytes each. */
  readonly keys: Uint8Array;
  /** The client's address; empty: it has none. */
  readonly address: string;
}

const encoder = new TextEncoder();

/** The lanes of one origin to all verifiers; see the module's text. */
export class FrameSender {
  readonly #lanes: LaneProducer[];
  readonly #bells: Doorbell[];
  readonly #epoch: number;
  /** Whether anybody wants to know where events come from. */
  withAddress: boolean;
  /** Events of this origin that are not yet answered. */
  unanswered = 0;

  constructor(memory: RelayMemory, origin: number, epoch: number) {
    this.#lanes = memory.frames[origin]!.map((lane) => new LaneProducer(lane));
    this.#bells = memory.bells.verifier.map((bell) => new Doorbell(bell));
    this.#epoch = epoch;
    this.withAddress = memory.asked.length > 0;
  }

  /** Bytes that wait in the lanes. */
  get usedBytes(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.usedBytes, 0);
  }

  /**
   * Passes a frame on.
   *
   * @param flags Of `verifier/messages.ts`.
   * @returns null, or why it cannot be taken now: the message of an `OK false`.
   */
  send(connection: Sender, text: string, flags = 0): string | null {
    if (connection.unanswered >= EVENTS_UNANSWERED_MAX) {
      return `rate-limited: more than ${EVENTS_UNANSWERED_MAX} events of this connection wait, slow down`;
    }
    if (this.unanswered >= EVENTS_UNANSWERED_ORIGIN_MAX) {
      return "rate-limited: the relay is overloaded, try again";
    }
    const verifier = connection.number % this.#lanes.length;
    const lane = this.#lanes[verifier]!;
    const { keys } = connection;
    const address = this.withAddress ? connection.address : "";
    const textAt = FRAME_HEADER_BYTES + keys.length + address.length;
    const at = lane.reserve(textAt + text.length * 3);
    if (at < 0) return "rate-limited: the relay is overloaded, try again";
    const word = at >>> 2;
    lane.words[word] = this.#epoch;
    lane.words[word + 1] = connection.number;
    lane.doubles[(at >>> 3) + 1] = performance.timeOrigin + performance.now();
    lane.words[word + 4] = flags;
    lane.words[word + 5] = keys.length / 32;
    lane.words[word + 6] = address.length;
    lane.bytes.set(keys, at + FRAME_HEADER_BYTES);
    // An address is ASCII: as many bytes as characters.
    if (address !== "") {
      encoder.encodeInto(address, lane.bytes.subarray(at + FRAME_HEADER_BYTES + keys.length));
    }
    const room = lane.bytes.subarray(at + textAt, at + textAt + text.length * 3);
    const { written } = encoder.encodeInto(text, room);
    lane.commit(FRAME, textAt + written);
    this.#bells[verifier]!.ring();
    connection.unanswered++;
    this.unanswered++;
    return null;
  }
}
