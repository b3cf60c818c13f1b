/**
 * What streams that go up stand on: our log, its durable cursors, and the streams that are to be told when the log goes on.
 * Runs on an upstream worker, which owns it.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { LogReader } from "../../lib/log/log_reader.ts";
import type { TailMemory } from "../../lib/log/tail.ts";
import type { EventReader } from "../../lib/store/read/event_reader.ts";
import { RecentRows } from "../../lib/upstream/recent_rows.ts";
import type { RelayConversation } from "../../lib/upstream/relay_conversation.ts";
import { UpStream } from "../../lib/upstream/up_stream.ts";
import type { UpstreamStore } from "../../lib/upstream/upstream_store.ts";
import type { Stream } from "../../lib/routing/stream.ts";
import type { StreamPlugins } from "./stream_plugins.ts";
import type { UpwardRule } from "./upward_rule.ts";

/** What it works with. */
interface UpParts {
  readonly db: DatabaseSync;
  readonly reader: EventReader;
  readonly tail: TailMemory;
  readonly store: UpstreamStore;
  readonly rule: UpwardRule;
  readonly plugins: StreamPlugins;
}

/** One stream that goes up to one relay. */
interface UpRun {
  readonly follower: string;
  readonly generation: string;
  readonly up: UpStream;
  /** The cursor that was stored last. */
  stored: number;
}

/** The cursor that says how far the log was when places were written; no stream has an empty name. */
const LOG_SEEN = { follower: "", generation: "" };

/** See the module's text. */
export class UpRuns {
  readonly #parts: UpParts;
  readonly #log: RecentRows;
  readonly #runs = new Set<UpRun>();
  /** The end of the log that was stored last. */
  #notedSeq = 0;

  constructor(parts: UpParts) {
    this.#parts = parts;
    this.#log = new RecentRows(new LogReader(parts.db));
    const { store } = parts;
    // Another worker writes how far the log is: its end is looked at where no such number can be newer.
    store.transaction(() => {
      // The log has lost its end, or an older copy of the store was put back: what streams had fetched may be gone, too.
      if (store.cursors.forgetBeyond(this.#log.lastSeq)) store.places.forgetAll();
    });
  }

  /** Whether anything goes up. */
  get isIdle(): boolean {
    return this.#runs.size === 0;
  }

  /** A stream that is new has what is stored from now on to send, whether its relay can be reached or not. */
  reserve(stream: Stream, url: string): number {
    return this.#parts.store.upCursor(stream.name, url, this.#log.lastSeq);
  }

  /** Begins a stream, from its cursor. */
  begin(stream: Stream, conversation: RelayConversation): UpStream {
    const { tail, rule, plugins } = this.#parts;
    const key = { follower: stream.name, generation: conversation.url };
    const after = this.reserve(stream, conversation.url);
    const { pluginUp } = stream;
    const up = new UpStream({
      conversation,
      log: this.#log,
      tail,
      after,
      isWanted: rule.of(stream),
      cameFrom: (id) => conversation.cameFrom(id),
      approve: pluginUp === null ? null : (text, id) => plugins.approves(pluginUp, { text, id }),
      textOf: (id) => this.#textOf(id),
      nowSeconds: () => Date.now() / 1000,
    });
    this.#runs.add({ ...key, up, stored: after });
    up.step();
    return up;
  }

  /** Ends a stream. Its cursor is kept. */
  end(up: UpStream): void {
    for (const run of this.#runs) {
      if (run.up !== up) continue;
      this.#runs.delete(run);
      try {
        this.#store(run);
      } catch {
        // The disk is at fault. An older cursor is a safe one, and connections end at any time.
      }
    }
    up.stop();
  }

  /** The log has gone on: each stream takes a bounded step. Returns whether any has more to do at once. */
  step(): boolean {
    let hasMore = false;
    for (const { up } of this.#runs) hasMore = up.step() || hasMore;
    return hasMore;
  }

  /** Stores the cursors, inside a transaction of the caller, and how far the log was. */
  flush(): void {
    const seq = this.#log.lastSeq;
    if (seq !== this.#notedSeq) this.#parts.store.cursors.write({ ...LOG_SEEN, seq });
    this.#notedSeq = seq;
    for (const run of this.#runs) this.#store(run);
  }

  #store(run: UpRun): void {
    const { follower, generation, up } = run;
    const seq = up.cursor;
    if (seq === run.stored) return;
    run.stored = seq;
    this.#parts.store.cursors.write({ follower, generation, seq });
  }

  #textOf(id: string): string | null {
    const { reader } = this.#parts;
    reader.refresh();
    return reader.rowOf(id, { now: Math.floor(Date.now() / 1000) }, { rows: 0 })?.text ?? null;
  }
}
