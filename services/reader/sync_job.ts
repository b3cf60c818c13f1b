/**
 * A reader's part of one negentropy session (NIP-77): gathers the set that the filter selects, slice by slice, then answers
 * one message after another from it. The set stays as it was gathered until the session ends.
 * The reader's thread owns it.
 *
 * @module
 */
import {
  NEGENTROPY_FRAME_BYTES_MAX,
  NEGENTROPY_READER_ITEMS_MAX,
  NEGENTROPY_SLICE_ROWS_MAX,
} from "../../lib/limits.ts";
import { NegentropyError } from "../../lib/negentropy/negentropy_error.ts";
import { reconcile } from "../../lib/negentropy/reconcile.ts";
import { type SortedVector, SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import type { ReadGate } from "../../lib/policy/read_gate.ts";
import { idOf } from "../../lib/store/exact.ts";
import type { Scan } from "../../lib/store/scan.ts";
import type { JobParts, Slice } from "./jobs.ts";
import type { ReaderQuery } from "./messages.ts";

/** The session cannot go on; `message` is the reason for the client, prefix included. */
export class SyncRefusal extends Error {
  override name = "SyncRefusal";

  constructor(reason: string, readonly eventsMax?: number) {
    super(reason);
  }
}

/** See the module's text. */
export class SyncJob {
  readonly query: ReaderQuery;
  readonly gateway: number;
  readonly needsSearch = false;
  /** When it was last asked something, ms. */
  touchedMs = 0;
  /** Whether it has something to do: a set to gather, or a message to answer. */
  isWanted = true;
  readonly #scan: Scan;
  readonly #eventsMax: number;
  readonly #gate: ReadGate;
  readonly #keys: ReadonlySet<string>;
  readonly #builder = new SortedVectorBuilder();
  /** Events that the filter has selected, among them those that the client is not to know of. */
  #selected = 0;
  /** Rows that were looked at since the last answer. */
  #rows = 0;
  #set: SortedVector | null = null;
  #message: Uint8Array | null;

  constructor(query: ReaderQuery, gateway: number, { reader, gate }: JobParts, eventsMax: number) {
    this.query = query;
    this.gateway = gateway;
    this.#eventsMax = eventsMax;
    this.#gate = gate;
    this.#keys = new Set(query.keys);
    this.#message = query.message === "" ? null : Uint8Array.fromHex(query.message);
    this.#scan = reader.scan(query.filters[0]!, { seqMax: reader.refresh(), now: query.now });
  }

  /** Items in memory. */
  get items(): number {
    return this.#set?.size ?? this.#builder.length;
  }

  /** A search is none of its business. */
  search(): Promise<void> {
    return Promise.resolve();
  }

  /** Takes the client's next message. */
  take(message: Uint8Array): void {
    this.#message = message;
    this.isWanted = true;
  }

  /**
   * Does one slice of work.
   *
   * @param itemsOfAll Items that all sessions of this reader hold.
   * @returns the answer to the client's message, or null: there is none yet.
   * @throws {SyncRefusal}
   */
  next(itemsOfAll: number): Slice | null {
    if (this.#set === null && !this.#gather(itemsOfAll)) return null;
    if (this.#message === null) {
      this.isWanted = false;
      return null;
    }
    try {
      const answer = reconcile(this.#set!, this.#message, NEGENTROPY_FRAME_BYTES_MAX).toHex();
      this.#message = null;
      const rows = this.#rows;
      this.#rows = 0;
      return { state: "more", note: { answer, rows }, texts: [], seqs: [] };
    } catch (error) {
      if (error instanceof NegentropyError) throw new SyncRefusal(`invalid: ${error.message}`);
      throw error;
    }
  }

  /** Returns whether the set is complete. */
  #gather(itemsOfAll: number): boolean {
    if (itemsOfAll > NEGENTROPY_READER_ITEMS_MAX) {
      throw new SyncRefusal("blocked: the relay compares too many events already, try again later");
    }
    const budget = { rows: NEGENTROPY_SLICE_ROWS_MAX, bytes: Infinity };
    const scan = this.#scan;
    const step = scan.step(budget, (text) => {
      this.#selected++;
      if (!this.#gate.mayShow(text, this.#keys, this.query.keys !== null)) return;
      this.#builder.addHex(scan.createdAt, idOf(text));
    });
    this.#rows += NEGENTROPY_SLICE_ROWS_MAX - budget.rows;
    if (this.#selected > this.#eventsMax) {
      throw new SyncRefusal(
        `blocked: the filter selects more than ${this.#eventsMax} events`,
        this.#eventsMax,
      );
    }
    if (step === "more") return false;
    this.#set = this.#builder.build();
    return true;
  }
}
