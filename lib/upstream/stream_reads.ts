/**
 * What one stream asks of a relay beside its live events: stored events of a filter, and comparisons. Each is a promise, so
 * that a stream is written as one procedure; when the stream stops, all of them end.
 * Belongs to the stream, on its thread.
 *
 * @module
 */
import { NEGENTROPY_FRAME_BYTES_MAX, NEGENTROPY_FRAME_BYTES_MIN } from "../limits.ts";
import { Initiator } from "../negentropy/initiator.ts";
import { NegentropyError } from "../negentropy/negentropy_error.ts";
import type { ItemStorage } from "../negentropy/storage.ts";
import type { Opened, OpenedComparison, RelayConversation } from "./relay_conversation.ts";
import type { StreamFilter } from "./stream_filter.ts";

/** A stream cannot go on now; the message is for people. */
export class StreamFault extends Error {
  override name = "StreamFault";
}

/** A comparison was not possible. `isTooMuch`: a smaller one may be. */
export class ComparisonFault extends Error {
  override name = "ComparisonFault";

  constructor(message: string, readonly isTooMuch: boolean) {
    super(message);
  }
}

/** What both sides differ in, as ids in hex. */
export interface Difference {
  readonly have: readonly string[];
  readonly need: readonly string[];
}

/** A comparison that is asked for. */
interface ComparisonRequest {
  readonly filter: StreamFilter;
  /** Our own items of the filter. */
  readonly items: ItemStorage;
  /** Ids that may differ. */
  readonly idsMax: number;
  /** Bytes of a message of ours, below what the relay accepts; unlimited by default. */
  readonly frameBytesMax?: number;
}

/** What a relay says of a comparison that selects too much, in the words of those that are in use. */
const TOO_MUCH = /too (many|big|much|large)|more than \d+|blocked/i;
/** What a NEG-MSG holds beside the message in hex, bytes. */
const NEG_MSG_HEADER_BYTES = 200;

/** See the module's text. */
export class StreamReads {
  readonly #conversation: RelayConversation;
  /** Ends each request that is open. */
  readonly #open = new Set<(reason: string) => void>();
  #endComparison: ((reason: string) => void) | null = null;
  #isStopped = false;

  constructor(conversation: RelayConversation) {
    this.#conversation = conversation;
  }

  /** Ends all requests; each rejects. */
  stop(): void {
    this.#isStopped = true;
    for (const end of [...this.#open]) end("the stream has stopped");
  }

  /**
   * Fetches stored events.
   *
   * @returns null after EOSE; else why the relay ended it before.
   * @throws {StreamFault} if the stream was stopped.
   */
  events(filter: StreamFilter, event: (text: string, id: string) => void): Promise<string | null> {
    return this.#request((resolve) =>
      this.#conversation.subscribe([filter], {
        event,
        eose: () => resolve(null),
        closed: (message) => resolve(message || "the relay has closed a subscription without a reason"),
      })
    );
  }

  /** Whether messages of a comparison fit what the relay accepts. */
  get mayCompare(): boolean {
    const { reconciles } = this.#conversation.limits;
    return reconciles && this.#frameBytesMax >= NEGENTROPY_FRAME_BYTES_MIN;
  }

  get #frameBytesMax(): number {
    const { messageBytesMax } = this.#conversation.limits;
    return Math.min(NEGENTROPY_FRAME_BYTES_MAX, Math.floor((messageBytesMax - NEG_MSG_HEADER_BYTES) / 2));
  }

  /**
   * Compares what we hold with what the relay holds (NIP-77).
   *
   * @throws {ComparisonFault}
   */
  compare(
    { filter, items, idsMax, frameBytesMax = Infinity }: ComparisonRequest,
  ): Promise<Difference> {
    const bytesMax = Math.min(frameBytesMax, this.#frameBytesMax);
    const initiator = new Initiator(items, { frameBytesMax: bytesMax, idsMax });
    const have: string[] = [];
    const need: string[] = [];
    return this.#request((resolve, reject) => {
      this.#endComparison = (reason) => reject(new ComparisonFault(reason, false));
      const opened: OpenedComparison = this.#conversation.compare(filter, initiator.initiate(), {
        message: (bytes) => {
          try {
            const findings = initiator.receive(bytes);
            have.push(...findings.have);
            need.push(...findings.need);
            if (findings.message === null) resolve({ have, need });
            else opened.send(findings.message);
          } catch (error) {
            if (!(error instanceof NegentropyError)) throw error;
            reject(new ComparisonFault(error.message, TOO_MUCH.test(error.message)));
          }
        },
        failed: (reason) => reject(new ComparisonFault(reason, TOO_MUCH.test(reason))),
      });
      return opened;
    });
  }

  /** Gives up the comparison that is under way. */
  endComparison(reason: string): void {
    this.#endComparison?.(reason);
  }

  /** Opens a request, and closes it when it is settled in any way. */
  async #request<Result>(
    open: (resolve: (result: Result) => void, reject: (error: Error) => void) => Opened,
  ): Promise<Result> {
    if (this.#isStopped) throw new StreamFault("the stream has stopped");
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const end = (reason: string) => reject(new StreamFault(reason));
    this.#open.add(end);
    const opened = open(resolve, reject);
    try {
      return await promise;
    } finally {
      this.#open.delete(end);
      opened.close();
    }
  }
}
