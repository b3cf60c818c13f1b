/**
 * The live half of a stream that comes down: one subscription that stays open, and the moment up to which everything that
 * it brought is certainly stored.
 *
 * It asks for one stored event, the newest, because relays differ about `limit: 0`; and not by `since`, which would hold
 * back events that were published late.
 *
 * Belongs to the stream, on its thread.
 *
 * @module
 */
import { Batch } from "./batch.ts";
import type { Opened, RelayConversation } from "./relay_conversation.ts";
import type { StreamFilter } from "./stream_filter.ts";
import { StreamFault } from "./stream_reads.ts";

/** What a live subscription works with. */
interface LiveParts {
  readonly conversation: RelayConversation;
  readonly filter: StreamFilter;
  readonly deliver: (text: string, id: string, batch: Batch) => void;
  /** It was open and has ended. */
  readonly lost: (reason: string) => void;
}

/** See the module's text. */
export class LiveSubscription {
  readonly #parts: LiveParts;
  #opened: Opened | null = null;
  #isOpen = false;
  /** What came since the last mark. */
  #batch = new Batch();
  /** Whether an earlier mark waits for its outcomes. */
  #isMarking = false;

  constructor(parts: LiveParts) {
    this.#parts = parts;
  }

  /** Whether events come as they are published. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Opens it. From then on nothing that the relay receives is missed.
   *
   * @throws {StreamFault} if the relay refuses it.
   */
  open(): Promise<void> {
    const { conversation, filter, deliver, lost } = this.#parts;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const batch = this.#batch = new Batch();
    this.#isMarking = false;
    this.#opened = conversation.subscribe([{ ...filter, limit: 1 }], {
      event: (text, id) => {
        if (this.#batch === batch || this.#isOpen) deliver(text, id, this.#batch);
      },
      eose: () => {
        this.#isOpen = true;
        resolve();
      },
      closed: (message) => {
        const reason = message || "the relay has closed the live subscription without a reason";
        if (!this.#isOpen) return reject(new StreamFault(reason));
        this.#isOpen = false;
        lost(reason);
      },
    });
    return promise;
  }

  /**
   * Marks this moment.
   *
   * @param settled Is called when all that came before is settled.
   */
  mark(settled: () => void): void {
    if (!this.#isOpen || this.#isMarking) return;
    this.#isMarking = true;
    const batch = this.#batch;
    this.#batch = new Batch();
    batch.close();
    batch.settled.then(() => {
      this.#isMarking = false;
      settled();
    });
  }

  /** Ends it. What came is no longer of interest. */
  stop(): void {
    this.#isOpen = false;
    this.#opened?.close();
  }
}
