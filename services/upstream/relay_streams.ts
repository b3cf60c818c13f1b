/**
 * The streams of one connection: each begins, goes on and ends by itself.
 * Runs on an upstream worker, which owns it.
 *
 * @module
 */
import { UPSTREAM_PLUGIN_PAUSE_MS, UPSTREAM_PLUGIN_TRIES_MAX } from "../../lib/limits.ts";
import type { Stream } from "../../lib/routing/stream.ts";
import { DownStream } from "../../lib/upstream/down_stream.ts";
import type { UpStream } from "../../lib/upstream/up_stream.ts";
import type { OwnItems } from "../../lib/upstream/own_items.ts";
import type { RelayConversation } from "../../lib/upstream/relay_conversation.ts";
import { canonicalFilter } from "../../lib/upstream/stream_filter.ts";
import type { UpstreamStore } from "../../lib/upstream/upstream_store.ts";
import { AskedEvents } from "./asked_events.ts";
import type { OfferedEvent } from "./intake.ts";
import type { RelayCounts } from "./relay_counts.ts";
import type { StreamPlugins } from "./stream_plugins.ts";
import type { UpRuns } from "./up_runs.ts";

/** The connection of the streams, as far as they need it. */
export interface StreamConnection {
  readonly counts: RelayCounts;
  offer(event: OfferedEvent): void;
  /** Too many events wait for plugins: nothing more is read; or it is read again. */
  waitForPlugins(areBehind: boolean): void;
  giveUp(reason: string): void;
}

/** What all streams of a worker share. */
export interface StreamParts {
  readonly store: UpstreamStore;
  /** Our own items, for comparisons. */
  readonly ownItems: OwnItems;
  readonly isSeen: (id: string) => boolean;
  readonly plugins: StreamPlugins;
  readonly ups: UpRuns;
  /** Counts what was sent. */
  readonly sent: (accepted: number, refused: number) => void;
  /** How far ahead of the clock an event may be dated, seconds. */
  readonly futureSeconds: () => number;
}

/** One stream that runs. */
interface Run {
  readonly stream: Stream;
  readonly down: DownStream | null;
  readonly up: UpStream | null;
  /** What was counted of the stream that goes up. */
  readonly told: { sent: number; accepted: number; refused: number };
}

/** See the module's text. */
export class RelayStreams {
  readonly #connection: StreamConnection;
  readonly #conversation: RelayConversation;
  readonly #parts: StreamParts;
  readonly #runs = new Map<string, Run>();
  readonly #asked: AskedEvents;

  constructor(connection: StreamConnection, conversation: RelayConversation, parts: StreamParts) {
    this.#connection = connection;
    this.#conversation = conversation;
    this.#parts = parts;
    this.#asked = new AskedEvents((isFull) => connection.waitForPlugins(isFull));
  }

  /** Why a stream cannot go on now; null: all do. */
  get fault(): string | null {
    for (const { stream, down, up } of this.#runs.values()) {
      const failure = down?.state === "failed" ? down.failure : up?.failure ?? "";
      if (failure !== "") return `stream "${stream.name}": ${failure}`;
    }
    return null;
  }

  /** These streams run from now on. One whose filter, direction or plugins have changed begins anew from its place. */
  use(streams: readonly Stream[]): void {
    const wanted = new Map(streams.map((stream) => [stream.name, stream]));
    for (const [name, run] of this.#runs) {
      const stream = wanted.get(name);
      if (stream !== undefined && isSame(stream, run.stream)) continue;
      this.#end(run);
      this.#runs.delete(name);
    }
    for (const stream of streams) if (!this.#runs.has(stream.name)) this.#begin(stream);
  }

  /** Does what is due about once a second. */
  tick(): void {
    for (const run of this.#runs.values()) {
      run.down?.tick();
      this.#count(run);
    }
  }

  /** Ends all streams. */
  stop(): void {
    for (const run of this.#runs.values()) this.#end(run);
    this.#runs.clear();
  }

  #begin(stream: Stream): void {
    const up = stream.direction === "down" ? null : this.#parts.ups.begin(stream, this.#conversation);
    const down = stream.direction === "up" ? null : this.#openDown(stream, up);
    this.#runs.set(stream.name, { stream, down, up, told: { sent: 0, accepted: 0, refused: 0 } });
    down?.start();
  }

  #end(run: Run): void {
    run.down?.stop();
    if (run.up !== null) this.#parts.ups.end(run.up);
    this.#count(run);
  }

  /** Adds what the stream has sent since it was counted last. */
  #count({ up, told }: Run): void {
    if (up === null) return;
    const { counts } = this.#connection;
    const { sent } = up.counts;
    const accepted = up.counts.accepted + up.counts.duplicates;
    const refused = up.counts.refused + up.counts.failed;
    counts.sent += sent - told.sent;
    counts.accepted += accepted - told.accepted;
    counts.refused += refused - told.refused;
    this.#parts.sent(accepted - told.accepted, refused - told.refused);
    Object.assign(told, { sent, accepted, refused });
  }

  #openDown(stream: Stream, up: UpStream | null): DownStream {
    const { store, ownItems, isSeen, futureSeconds } = this.#parts;
    const key = { stream: stream.name, url: this.#conversation.url };
    return new DownStream({
      conversation: this.#conversation,
      filter: stream.filter,
      place: store.places.placeOf(key, stream.filter),
      note: (place) => store.places.note(key, stream.filter, place),
      deliver: (text, id, settle) => this.#deliver(stream, { text, id, settled: () => settle(true) }),
      isKnown: isSeen,
      ownItems: (filter, range) => ownItems.gather(filter, range),
      offer: up === null ? null : (ids) => up.offer(ids),
      nowSeconds: () => Date.now() / 1000,
      futureSeconds: futureSeconds(),
    });
  }

  #deliver(stream: Stream, event: OfferedEvent): void {
    const { pluginDown } = stream;
    if (pluginDown === null || this.#parts.isSeen(event.id)) return this.#connection.offer(event);
    void this.#asked.count(event.text.length, this.#deliverAsked(pluginDown, event));
  }

  /** Asks the plugin first. One that fails decides nothing: it is asked again, and at last the connection ends. */
  async #deliverAsked(command: string, event: OfferedEvent): Promise<void> {
    const asked = {
      text: event.text,
      id: event.id,
      sourceType: "Stream",
      sourceInfo: this.#conversation.url,
    } as const;
    for (let tries = 0; tries < UPSTREAM_PLUGIN_TRIES_MAX; tries++) {
      const decision = await this.#parts.plugins.ask(command, asked);
      if (decision.action === "accept") return this.#connection.offer(event);
      if (decision.action === "shadowReject" || decision.by === "plugin") return event.settled("refused");
      await new Promise<void>((resolve) => setTimeout(resolve, UPSTREAM_PLUGIN_PAUSE_MS));
    }
    this.#connection.giveUp(`the plugin of a stream fails: ${command}`);
  }
}

/** Whether two streams with one name are the same to a relay. */
function isSame(one: Stream, other: Stream): boolean {
  return one.direction === other.direction && one.pluginUp === other.pluginUp &&
    one.pluginDown === other.pluginDown && canonicalFilter(one.filter) === canonicalFilter(other.filter);
}
