/**
 * The side that asks: it learns which events it has and the other party lacks, and which it needs.
 * Runs on the thread that talks to the other party; a session belongs to whoever made it.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { NEGENTROPY_ITEMS_MAX, NEGENTROPY_ROUNDS_MAX } from "../limits.ts";
import { NegentropyError } from "./negentropy_error.ts";
import { initialMessage, type ListedRange, reconcileAnswer } from "./reconcile.ts";
import { ID_BYTES, type ItemStorage } from "./storage.ts";

/** What one answer taught. */
export interface Findings {
  /** The next message, or null: both sides are known. */
  readonly message: Uint8Array<ArrayBuffer> | null;
  /** Ids that we have and they lack, hex, none that an earlier answer brought. */
  readonly have: readonly string[];
  /** Ids that they have and we lack, hex, none that an earlier answer brought. */
  readonly need: readonly string[];
}

/** Bounds of a session; the defaults are those of `lib/limits.ts`. */
interface InitiatorOptions {
  /** Bytes of each message of ours after the first; 0 for no limit. */
  readonly frameBytesMax?: number;
  /** Answers that a session may take. */
  readonly roundsMax?: number;
  /** Ids that a session may find. */
  readonly idsMax?: number;
}

/**
 * One session of the asking side, over a storage that does not change while the session lasts.
 *
 * @example Usage
 * ```ts
 * import { Initiator } from "./initiator.ts";
 * import { reconcile } from "./reconcile.ts";
 * import { SortedVectorBuilder } from "./sorted_vector.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const [ours, theirs] = [new SortedVectorBuilder(), new SortedVectorBuilder()];
 * ours.addHex(1, "aa".repeat(32));
 * theirs.addHex(2, "bb".repeat(32));
 *
 * const initiator = new Initiator(ours.build());
 * const answer = reconcile(theirs.build(), initiator.initiate(), 0);
 * const findings = initiator.receive(answer);
 * assertEquals(findings, { message: null, have: ["aa".repeat(32)], need: ["bb".repeat(32)] });
 * ```
 */
export class Initiator {
  readonly #storage: ItemStorage;
  readonly #frameBytesMax: number;
  readonly #roundsMax: number;
  readonly #idsMax: number;
  /** Every id reported. With limited messages a range may be compared twice. */
  readonly #reported = new Set<string>();
  #rounds = 0;

  constructor(storage: ItemStorage, options: InitiatorOptions = {}) {
    this.#storage = storage;
    this.#frameBytesMax = options.frameBytesMax ?? 0;
    this.#roundsMax = options.roundsMax ?? NEGENTROPY_ROUNDS_MAX;
    this.#idsMax = options.idsMax ?? NEGENTROPY_ITEMS_MAX;
  }

  /** The message that opens the session. */
  initiate(): Uint8Array<ArrayBuffer> {
    invariant(this.#rounds === 0, "a session is opened once");
    return initialMessage(this.#storage);
  }

  /**
   * Takes an answer.
   *
   * @throws {NegentropyError} if it breaks the protocol, or the session exceeds its bounds.
   */
  receive(answer: Uint8Array): Findings {
    if (++this.#rounds > this.#roundsMax) {
      throw new NegentropyError(`Cannot reconcile: ${this.#roundsMax} rounds were not enough`);
    }
    const have: string[] = [];
    const need: string[] = [];
    const message = reconcileAnswer(
      this.#storage,
      answer,
      this.#frameBytesMax,
      (range) => this.#compare(range, have, need),
    );
    return { message: message.length === 1 ? null : message, have, need };
  }

  #compare(range: ListedRange, have: string[], need: string[]): void {
    const theirs = new Set<string>();
    for (let at = 0; at < range.ids.length; at += ID_BYTES) {
      theirs.add(range.ids.subarray(at, at + ID_BYTES).toHex());
    }
    for (let index = range.lower; index < range.upper; index++) {
      const id = this.#storage.item(index).id.toHex();
      if (!theirs.delete(id)) this.#report(id, have);
    }
    for (const id of theirs) this.#report(id, need);
  }

  #report(id: string, list: string[]): void {
    if (this.#reported.has(id)) return;
    if (this.#reported.size === this.#idsMax) {
      throw new NegentropyError(`Cannot reconcile: more than ${this.#idsMax} ids differ`);
    }
    this.#reported.add(id);
    list.push(id);
  }
}
