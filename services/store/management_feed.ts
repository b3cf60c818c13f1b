/**
 * What the store hands over to management: events of the kinds that management answers in the store's place, and copies of
 * stored events that it wants to see.
 * The store's thread owns it. The lane outlives both threads; where it is full, nobody waits.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { type ManagedAs, managedKinds } from "../../lib/management/managed_kinds.ts";
import type { PackedEvent } from "../../lib/nostr/packed_event.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { type LaneConsumer, LaneProducer } from "../../lib/queue/lane.ts";
import type { RelayMemory } from "../../wire/memory.ts";
import { PACKED, PACKED_HEADER_BYTES } from "../../wire/packed.ts";

/** See the module's text. */
export class ManagementFeed {
  readonly #kinds: ReadonlyMap<number, ManagedAs>;
  readonly #lane: LaneProducer;
  readonly #bell: Doorbell;

  constructor({ MEMBERSHIP }: Config, memory: RelayMemory) {
    this.#kinds = managedKinds(MEMBERSHIP);
    this.#lane = new LaneProducer(memory.handed);
    this.#bell = new Doorbell(memory.bells.management[0]!);
  }

  /** What management does with events of a kind, or undefined: nothing. */
  useOf(kind: number): ManagedAs | undefined {
    return this.#kinds.get(kind);
  }

  /** Hands over the record at `offset` of a packed lane, whose event is `event`. Returns false where there is no room. */
  hand(lane: LaneConsumer, offset: number, event: PackedEvent): boolean {
    const { packed } = event;
    const at = this.#lane.reserve(PACKED_HEADER_BYTES + packed.length);
    if (at < 0) return false;
    this.#lane.bytes.set(lane.bytes.subarray(offset, offset + PACKED_HEADER_BYTES), at);
    this.#lane.bytes.set(packed, at + PACKED_HEADER_BYTES);
    this.#lane.commit(PACKED, PACKED_HEADER_BYTES + packed.length);
    this.#bell.ring();
    return true;
  }
}
