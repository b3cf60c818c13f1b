/**
 * One connection with an upstream relay: its conversation, its streams, its health, and its events on their way to the
 * intake.
 * Runs on an upstream worker, which owns it.
 *
 * @module
 */
import type { Failure } from "../../lib/upstream/failure.ts";
import type { Stream } from "../../lib/routing/stream.ts";
import type { OpenConversation } from "../../runtime/open_conversation.ts";
import type { EventSource, Intake, OfferedEvent, Settled } from "./intake.ts";
import type { RelayCounts } from "./relay_counts.ts";
import { RelayStreams, type StreamConnection, type StreamParts } from "./relay_streams.ts";

/** What a connection works with. */
interface ConnectionParts {
  readonly opened: OpenConversation;
  readonly counts: RelayCounts;
  readonly intake: Intake;
  readonly streams: StreamParts;
  /** Unique among the connections of this worker's life. */
  readonly number: number;
  /** An event is what it says, or is forged. */
  readonly judged: (fault: string | null) => void;
}

/** See the module's text. */
export class UpstreamConnection implements EventSource, StreamConnection {
  readonly number: number;
  readonly url: string;
  readonly counts: RelayCounts;
  readonly openedMs = performance.now();
  readonly #parts: ConnectionParts;
  readonly #streams: RelayStreams;
  /** Who is behind with its events: while anybody is, nothing is read. */
  readonly #behind = new Set<"intake" | "plugins">();
  #pingedMs: number | null = null;
  #unaskedBefore = 0;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.number = parts.number;
    this.counts = parts.counts;
    this.url = parts.opened.conversation.url;
    this.#streams = new RelayStreams(this, parts.opened.conversation, parts.streams);
  }

  /** The address to which it leads. */
  get address(): string {
    return this.#parts.opened.socket.address;
  }

  /** Why a stream cannot go on now; null: all do. */
  get fault(): string | null {
    return this.#streams.fault;
  }

  /** Serves these streams from now on. */
  use(streams: readonly Stream[]): void {
    this.#streams.use(streams);
  }

  /** Does what is due about once a second. */
  tick(): void {
    const { counts, opened } = this.#parts;
    const { unasked } = opened.conversation.counts;
    counts.unasked += unasked - this.#unaskedBefore;
    this.#unaskedBefore = unasked;
    this.#streams.tick();
  }

  /** Asks for a sign of life; a relay that has given none since the last time is called again. */
  checkHealth(): void {
    const { socket } = this.#parts.opened;
    if (this.#behind.size > 0) return void (this.#pingedMs = null);
    if (this.#pingedMs !== null && socket.heardMs < this.#pingedMs) {
      const seconds = Math.round((performance.now() - this.#pingedMs) / 1000);
      return socket.fail({ kind: "timeout", reason: `the relay has answered nothing for ${seconds} s` });
    }
    this.#pingedMs = performance.now();
    socket.ping();
  }

  /** Passes an event on to the data path. */
  offer(event: OfferedEvent): void {
    const { counts, intake } = this.#parts;
    counts.received++;
    counts.lastEventAt = Math.floor(Date.now() / 1000);
    intake.offer(this, {
      ...event,
      settled: (result) => {
        this.#count(result);
        event.settled(result);
      },
    });
  }

  pause(): void {
    this.#hold("intake", true);
  }

  resume(): void {
    this.#hold("intake", false);
  }

  waitForPlugins(areBehind: boolean): void {
    this.#hold("plugins", areBehind);
  }

  sentInvalid(message: string): void {
    this.#parts.judged(message);
  }

  sentValid(): void {
    this.#parts.judged(null);
  }

  giveUp(reason: string): void {
    this.fail({ kind: "closed", reason });
  }

  /** Ends it at once. */
  fail(failure: Failure): void {
    this.#parts.opened.socket.fail(failure);
  }

  /** Closes it politely. */
  async close(): Promise<void> {
    this.#streams.stop();
    await this.#parts.opened.close();
  }

  /** The connection has ended. */
  ended(): void {
    this.#streams.stop();
    this.#parts.intake.left(this);
  }

  #hold(who: "intake" | "plugins", isBehind: boolean): void {
    const wasRead = this.#behind.size === 0;
    if (isBehind) this.#behind.add(who);
    else this.#behind.delete(who);
    const isRead = this.#behind.size === 0;
    if (wasRead && !isRead) this.#parts.opened.pause();
    if (!wasRead && isRead) this.#parts.opened.resume();
  }

  #count(result: Settled): void {
    const { counts } = this.#parts;
    if (result === "stored") counts.added++;
    else if (result === "duplicate") counts.duplicates++;
    else if (result === "invalid") counts.invalid++;
  }
}
