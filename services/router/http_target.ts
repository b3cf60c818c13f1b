/**
 * A target that gets events by HTTP POST, in batches, one under way at a time, so that events arrive in their order. A
 * batch that is not taken stays the same batch until it is, with the same id.
 *
 * A target that has a fault (5xx, 408, 425, 429, no answer), or that does not let the relay in (401, 403, 404, 3xx), keeps
 * its batch waiting. A batch that the target refuses (400, 415, 422) again and again is halved until the event that is
 * refused is alone; that one is set aside with the reason. A batch that is too long (413) is halved at once.
 * Runs on the router's thread, which owns it; its cursor is durable (`places.ts`).
 *
 * @module
 */
import type { ForwardedEvent, LogPlace } from "../../lib/forward/log_window.ts";
import { judge } from "../../lib/forward/retry.ts";
import { webhookBody, webhookHeaders, webhookId } from "../../lib/forward/webhook.ts";
import {
  FORWARD_BATCH_BYTES_MAX,
  FORWARD_REFUSALS_MAX,
  FORWARD_SET_ASIDE_SHOWN_MAX,
} from "../../lib/limits.ts";
import { idOf } from "../../lib/nostr/exact.ts";
import type { LogFeed } from "./log_feed.ts";
import type { Places } from "./places.ts";
import { post, type PostAnswer } from "./post.ts";
import { type StateParts, TargetState } from "./target_state.ts";

/** What it works with. */
interface HttpTargetParts extends StateParts {
  readonly feed: LogFeed;
  readonly places: Places;
  /** Signs; null: posts are not signed. */
  readonly key: Uint8Array | null;
  /** The relay's URL, for the receiver. */
  readonly relay: string;
  /** `FORWARD_BATCH_EVENTS` */
  readonly batchEvents: number;
  /** `FORWARD_LATENCY_MS` */
  readonly latencyMs: number;
}

/** Events that are sent together. */
interface Batch {
  readonly events: readonly ForwardedEvent[];
  /** The entry after which it begins. */
  readonly after: number;
  /** Its last entry. */
  readonly last: number;
  /** Where the target is when it has it. */
  readonly next: LogPlace;
}

/** See the module's text. */
export class HttpTarget {
  readonly #url: string;
  readonly #name: string;
  readonly #parts: HttpTargetParts;
  readonly #state: TargetState;
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 1 });
  #place: LogPlace;
  /** The last entry that is stored as taken. */
  #storedSeq: number;
  /** The end of the batch that was under way when the router died. */
  #openLast: number | null;
  /** Times that batches were refused since they were taken at full length, or since an event was set aside. */
  #refusals = 0;
  /** Events of the next batch: fewer while batches are refused. */
  #most: number;

  constructor(url: string, parts: HttpTargetParts) {
    const { places, feed, batchEvents } = parts;
    this.#url = url;
    this.#name = `http ${url}`;
    this.#parts = parts;
    this.#state = new TargetState("http", url, parts);
    this.#storedSeq = places.begin(this.#name, feed.endSeq);
    this.#place = { seq: this.#storedSeq, place: null };
    this.#openLast = places.openBatch(this.#name);
    this.#most = batchEvents;
  }

  /** The last entry that it has. */
  get seq(): number {
    return this.#place.seq;
  }

  /** Events that were read for it and are not delivered. */
  get waiting(): number {
    return this.#state.waiting;
  }

  /** As `GET /api/forward` shows it. */
  get report() {
    const { count, newest } = this.#parts.places.setAsideOf(this.#name, FORWARD_SET_ASIDE_SHOWN_MAX);
    return { ...this.#state.report, set_aside_total: count, set_aside: newest };
  }

  /** Delivers until the router stops. */
  async run(): Promise<void> {
    while (!this.#parts.feed.isClosed) {
      const batch = await this.#gather();
      if (batch === null) break;
      this.#state.waiting = batch.events.length;
      this.#parts.places.opened(this.#name, batch.after, batch.last);
      await this.#deliver(batch);
      this.#state.waiting = 0;
    }
    this.store();
    this.#client.close();
  }

  /** Stores how far it is, where events were passed over that are not for it. */
  store(): void {
    // What a batch holds that is under way is not taken.
    if (this.#place.seq <= this.#storedSeq || this.#openLast !== null) return;
    this.#parts.places.taken(this.#name, this.#storedSeq = this.#place.seq);
  }

  /** The next batch: full, or as old as latency allows. Null: the router stops. */
  async #gather(): Promise<Batch | null> {
    const { feed, latencyMs } = this.#parts;
    const to = this.#openLast ?? Infinity;
    const events: ForwardedEvent[] = [];
    let [next, chars, deadlineMs] = [this.#place, 0, 0];
    while (events.length < this.#most && chars < FORWARD_BATCH_BYTES_MAX && next.seq < to) {
      if (feed.isClosed) return null;
      const bounds = { events: this.#most - events.length, chars: FORWARD_BATCH_BYTES_MAX - chars, to };
      const read = feed.read(next, bounds);
      next = read.after;
      for (const event of read.events) chars += event.text.length;
      events.push(...read.events);
      if (events.length === 0) this.#place = next;
      if (!read.isEnd) await feed.turn();
      else if (events.length === 0) await feed.more(next);
      else {
        deadlineMs ||= performance.now() + latencyMs;
        const leftMs = deadlineMs - performance.now();
        if (leftMs <= 0) break;
        if (events.length < this.#most) await feed.change(leftMs);
      }
    }
    this.#openLast = null;
    // Of the batch that was under way nothing is left, because its events were removed.
    if (events.length === 0) return await this.#gather();
    return { events, after: this.#place.seq, last: events.at(-1)!.seq, next };
  }

  /** Sends a batch until it is taken, is to be divided, or the router stops. */
  async #deliver(batch: Batch): Promise<void> {
    const { feed } = this.#parts;
    while (!feed.isClosed) {
      const events = batch.events.filter((event) => feed.maySend(event));
      if (events.length === 0) return this.#took(batch, 0);
      const answer = await this.#post(batch, events);
      if (feed.isClosed) return;
      const judgement = answer.status === null ? "wait" : judge(answer.status);
      if (judgement === "taken") return this.#took(batch, events.length);
      if (judgement === "refused") this.#refusals++;
      if (judgement === "too-long" || this.#refusals >= FORWARD_REFUSALS_MAX) {
        return this.#divide(batch, events, answer.reason);
      }
      await this.#state.failed(answer.reason, answer.retryAfterMs);
    }
  }

  async #post(batch: Batch, events: readonly ForwardedEvent[]): Promise<PostAnswer> {
    const { places, key, relay, stop } = this.#parts;
    const ephemeral = batch.events.filter(({ isEphemeral }) => isEphemeral).map(({ text }) => idOf(text));
    const id = webhookId({
      log: places.logName,
      target: this.#name,
      after: batch.after,
      last: batch.last,
      ephemeral,
    });
    const body = webhookBody(events, relay);
    const headers = webhookHeaders({ id, body, key, seconds: Math.floor(Date.now() / 1000) });
    return await post(this.#url, { headers, body, client: this.#client, stop });
  }

  #took({ next }: Batch, events: number): void {
    this.#place = next;
    this.#parts.places.taken(this.#name, this.#storedSeq = next.seq);
    if (this.#most === this.#parts.batchEvents) this.#refusals = 0;
    this.#most = Math.min(this.#parts.batchEvents, 2 * this.#most);
    this.#state.delivered(events);
  }

  /** Halves what is sent next; one event alone is set aside. */
  #divide({ next }: Batch, events: readonly ForwardedEvent[], reason: string): void {
    this.#state.refused(reason);
    if (events.length > 1) {
      this.#most = Math.ceil(events.length / 2);
      return;
    }
    const { seq, text } = events[0]!;
    const { places, log } = this.#parts;
    log.warn(`http "${this.#url}" refuses entry ${seq} (${idOf(text)}), which is set aside: ${reason}`);
    places.setAside(this.#name, { seq, id: idOf(text), reason, at: Math.floor(Date.now() / 1000) });
    this.#place = next;
    this.#storedSeq = seq;
    this.#refusals = 0;
  }
}
