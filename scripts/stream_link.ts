/**
 * Streams with one other relay, kept up by a command: connects, runs them both ways from their durable places, and connects
 * again after a pause that doubles. The places are those of `upstream.db`, so that a command which was stopped resumes.
 * Runs in the process of a command, which owns it.
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";
import {
  STREAM_LOOK_MS,
  STREAM_RETRY_FIRST_MS,
  STREAM_RETRY_MOST_MS,
  STREAM_STEPS_MAX,
  STREAM_UNSETTLED_MAX,
  UPSTREAM_TICK_MS,
} from "../lib/limits.ts";
import { LogReader } from "../lib/log/log_reader.ts";
import type { Stream } from "../lib/routing/stream.ts";
import type { Settle } from "../lib/upstream/batch.ts";
import { DownStream } from "../lib/upstream/down_stream.ts";
import { UpStream } from "../lib/upstream/up_stream.ts";
import type { UpstreamStore } from "../lib/upstream/upstream_store.ts";
import type { OpenConversation } from "../runtime/open_conversation.ts";
import type { StreamPlugins } from "../services/upstream/stream_plugins.ts";
import { say } from "./command.ts";
import type { EventFeed } from "./event_feed.ts";
import { connectTo } from "./named_relay.ts";
import type { StoredEvents } from "./stored_events.ts";

/** What links have in common. */
export interface LinkParts {
  readonly config: Config;
  readonly own: StoredEvents;
  readonly log: LogReader;
  readonly store: UpstreamStore;
  readonly feed: EventFeed;
  readonly plugins: StreamPlugins;
  /** Whether a stream that is new begins with all that the other relay has stored, or with what comes from now on. */
  readonly beginsWithHistory: boolean;
  /** Nothing more can be stored: the command ends. */
  readonly failed: (error: Error) => void;
}

/** A stream over one connection. */
interface Run {
  readonly stream: Stream;
  readonly up: UpStream | null;
  readonly down: DownStream | null;
}

/** See the module's text. */
export class StreamLink {
  readonly #url: string;
  readonly #streams: readonly Stream[];
  readonly #parts: LinkParts;
  readonly #stop = new AbortController();
  #opened: OpenConversation | null = null;
  #isPaused = false;
  #runs: Run[] = [];
  /** Texts of failures that were said, so that each is said once in a row. */
  #said = "";
  readonly #over: Promise<void>;

  constructor(url: string, streams: readonly Stream[], parts: LinkParts) {
    this.#url = url;
    this.#streams = streams;
    this.#parts = parts;
    this.#over = this.#run();
  }

  /** Ends the streams; their places stay. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#opened?.close();
    await this.#over;
  }

  async #run(): Promise<void> {
    for (let pauseMs = STREAM_RETRY_FIRST_MS; !this.#stop.signal.aborted;) {
      try {
        await this.#connection();
        pauseMs = STREAM_RETRY_FIRST_MS;
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#say((error as Error).message);
      }
      await this.#pause(pauseMs * (0.5 + Math.random() / 2));
      pauseMs = Math.min(2 * pauseMs, STREAM_RETRY_MOST_MS);
    }
  }

  /** One connection, from its handshake to its end. */
  async #connection(): Promise<void> {
    const ended = Promise.withResolvers<string>();
    const opened = this.#opened = await connectTo(this.#url, this.#parts.config, {
      signal: this.#stop.signal,
      keepsEchoes: true,
      isKnown: (id) => this.#parts.own.has(id),
      onEnded: ({ reason }) => ended.resolve(reason),
    });
    this.#say("connected");
    this.#runs = this.#streams.map((stream) => this.#begin(stream, opened));
    const ticking = setInterval(() => this.#tick(), UPSTREAM_TICK_MS);
    const looking = setInterval(() => this.#look(opened), STREAM_LOOK_MS);
    const reason = await ended.promise;
    clearInterval(ticking);
    clearInterval(looking);
    this.#note();
    for (const { up, down } of this.#runs) {
      down?.stop();
      up?.stop();
    }
    this.#runs = [];
    this.#opened = null;
    this.#isPaused = false;
    if (!this.#stop.signal.aborted) this.#say(reason);
  }

  #begin(stream: Stream, { conversation }: OpenConversation): Run {
    const { own, store, config, beginsWithHistory } = this.#parts;
    const key = { stream: stream.name, url: this.#url };
    const up = stream.direction === "down" ? null : this.#openUp(stream, conversation);
    up?.step();
    if (stream.direction === "up") return { stream, up, down: null };
    const start = beginsWithHistory ? null : { at: Math.floor(Date.now() / 1000), gaps: [] };
    const down = new DownStream({
      conversation,
      filter: stream.filter,
      place: store.places.placeOf(key, stream.filter) ?? start,
      note: (place) => store.places.note(key, stream.filter, place),
      deliver: (text, id, settle) => void this.#deliver(stream, { text, id, settle }),
      isKnown: (id) => own.has(id),
      ownItems: (filter, range) => own.items(filter, range),
      offer: up === null ? null : (ids) => up.offer(ids),
      nowSeconds: () => Date.now() / 1000,
      futureSeconds: config.CREATED_AT_UPPER_LIMIT,
    });
    down.start();
    return { stream, up, down };
  }

  #openUp(stream: Stream, conversation: OpenConversation["conversation"]): UpStream {
    const { log, own, plugins, store } = this.#parts;
    const known = store.cursors.seqOf(stream.name, this.#url);
    const after = known === 0 ? log.lastSeq : known;
    const { pluginUp } = stream;
    return new UpStream({
      conversation,
      log,
      after,
      isWanted: own.upward(stream.filter),
      cameFrom: (id) => conversation.cameFrom(id),
      approve: pluginUp === null ? null : (text, id) => plugins.approves(pluginUp, { text, id }),
      textOf: (id) => own.textOf(id),
      nowSeconds: () => Date.now() / 1000,
    });
  }

  async #deliver(
    { pluginDown }: Stream,
    { text, id, settle }: { readonly text: string; readonly id: string; readonly settle: Settle },
  ): Promise<void> {
    const { feed, failed, own, plugins } = this.#parts;
    if (own.has(id)) return settle(true);
    if (pluginDown !== null) {
      const asked = { text, id, sourceType: "Stream", sourceInfo: this.#url } as const;
      const decision = await plugins.ask(pluginDown, asked);
      // A plugin that fails decides nothing: the event is fetched again.
      if (decision.action === "shadowReject") return settle(true);
      if (decision.action === "reject") return settle(decision.by === "plugin");
    }
    const taken = feed.addAndSettle(text, settle);
    this.#pauseIfFull();
    await taken.catch(failed);
  }

  #pauseIfFull(): void {
    const isFull = this.#parts.feed.unanswered >= STREAM_UNSETTLED_MAX;
    if (isFull === this.#isPaused || this.#opened === null) return;
    this.#isPaused = isFull;
    if (isFull) this.#opened.pause();
    else this.#opened.resume();
  }

  #tick(): void {
    for (const { stream, up, down } of this.#runs) {
      down?.tick();
      const fault = down?.state === "failed" ? down.failure : up?.failure ?? "";
      if (fault !== "") this.#say(`stream "${stream.name}": ${fault}`);
    }
    this.#note();
  }

  /** A process of its own is rung by nobody: it looks whether the log has gone on. */
  #look(opened: OpenConversation): void {
    this.#pauseIfFull();
    if (!opened.socket.isOpen) return;
    for (const { up } of this.#runs) {
      for (let steps = 0; steps < STREAM_STEPS_MAX && up?.step(); steps++);
    }
  }

  #note(): void {
    const { store } = this.#parts;
    store.transaction(() => {
      store.places.flush();
      for (const { stream, up } of this.#runs) {
        if (up !== null) {
          store.cursors.write({ follower: stream.name, generation: this.#url, seq: up.cursor });
        }
      }
    });
  }

  #say(text: string): void {
    if (text === this.#said) return;
    this.#said = text;
    say(`[${this.#url}] ${text}`);
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#stop.signal.aborted) return;
    const timer = setTimeout(resolve, ms);
    this.#stop.signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }
}
