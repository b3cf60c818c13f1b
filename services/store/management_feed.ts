/**
 * What the store hands over to management: events of the kinds that management answers in the store's place, and copies of
 * stored events that it wants to see.
 * The store's thread owns it. The lane outlives both threads; where it is full, nobody waits.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { type ManagedAs, managedKinds } from "../../lib/management/managed_kinds.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { LaneProducer } from "../../lib/queue/lane.ts";
import type { RelayMemory } from "../../wire/memory.ts";
import { type PackedRecord, passPacked } from "../../wire/packed.ts";

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

  /** Hands a record over. Returns false where there is no room. */
  hand(record: PackedRecord): boolean {
    if (!passPacked(this.#lane, record.whole)) return false;
    this.#bell.ring();
    return true;
  }
}
