/**
 * Somebody who fetches events, at `/ws` or at `FORWARD_TCP_PORT`: goes through the log from where it wants to begin, as
 * fast as it reads. What waits for it is bounded, because no more is read for it than there is room for; the rest stays in
 * the log. It keeps its own cursor: each event can come with its place in the log, from which it resumes.
 * Runs on the router's thread; belongs to the connection.
 *
 * @module
 */
import { type ConsumerRequest, lineOf } from "../../lib/forward/consumer_request.ts";
import type { LogPlace } from "../../lib/forward/log_window.ts";
import { FORWARD_WRITE_CHARS_MAX, FORWARD_WRITE_EVENTS_MAX } from "../../lib/limits.ts";
import type { LogFeed } from "./log_feed.ts";

const BOUNDS = { events: FORWARD_WRITE_EVENTS_MAX, chars: FORWARD_WRITE_CHARS_MAX };

/** Where its events go. */
export interface ConsumerSink {
  /** Aborted when the connection has ended. */
  readonly ended: AbortSignal;
  /** Sends texts, and resolves when more can be sent, or the connection has ended. */
  send(texts: readonly string[]): Promise<void>;
}

/** Consumers of one kind, as `GET /api/forward` shows them. */
export interface ConsumerReport {
  readonly type: "ws" | "tcp";
  readonly address: string;
  readonly seq: number;
  readonly delivered_total: number;
  readonly waiting_events: number;
}

/** See the module's text. */
export class Consumer {
  readonly #request: ConsumerRequest;
  readonly #feed: LogFeed;
  #place: LogPlace;
  #delivered = 0;
  #waiting = 0;

  /** @param start Where it begins that names no place. */
  constructor(request: ConsumerRequest, feed: LogFeed, start: LogPlace = feed.end) {
    this.#request = request;
    this.#feed = feed;
    this.#place = request.after === null ? start : { seq: request.after, place: null };
  }

  /** Values of its filter. */
  get values(): number {
    return this.#request.filter.size;
  }

  /** Events that were read for it and have not left. */
  get waiting(): number {
    return this.#waiting;
  }

  /** What is shown of it. */
  get progress() {
    return { seq: this.#place.seq, delivered_total: this.#delivered, waiting_events: this.#waiting };
  }

  /** Delivers until its connection ends or the router stops. `delivered` is told of each step. */
  async run(sink: ConsumerSink, delivered: (events: number) => void): Promise<void> {
    const { filter, withSeq } = this.#request;
    while (!this.#feed.isClosed && !sink.ended.aborted) {
      const { events, after, isEnd } = this.#feed.read(this.#place, BOUNDS, filter);
      if (events.length > 0) {
        this.#waiting = events.length;
        await sink.send(events.map((event) => withSeq ? lineOf(event) : event.text));
        this.#waiting = 0;
        if (sink.ended.aborted) return;
        this.#delivered += events.length;
        delivered(events.length);
      }
      this.#place = after;
      if (isEnd) await this.#feed.more(after, sink.ended);
      else await this.#feed.turn();
    }
  }
}
