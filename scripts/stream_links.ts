/**
 * All streams of a command, each with each of its relays, and what they share: the store, the way into it, the plugins.
 * Runs in the process of a command.
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";
import { STREAM_RELAYS_MAX } from "../lib/limits.ts";
import { LogReader } from "../lib/log/log_reader.ts";
import type { Stream } from "../lib/routing/stream.ts";
import { UpstreamStore } from "../lib/upstream/upstream_store.ts";
import { tryLockDataDir } from "../runtime/data_dir.ts";
import { storePath, upstreamPath } from "../runtime/data_paths.ts";
import { Logger } from "../runtime/logger.ts";
import { openForWriting } from "../lib/store/keep/open.ts";
import { StreamPlugins } from "../services/upstream/stream_plugins.ts";
import type { ImportReport } from "../wire/control_lines.ts";
import { createLogLevel } from "../wire/log_level.ts";
import { say } from "./command.ts";
import { EventFeed } from "./event_feed.ts";
import { StoredEvents } from "./stored_events.ts";
import { type LinkParts, StreamLink } from "./stream_link.ts";

/** What a command decides about its streams. */
interface LinksOptions {
  /** Whether a new stream begins with all that the other relay has stored. */
  readonly beginsWithHistory: boolean;
  /** The URL of the only relay, which a write plugin is told; empty: there are several. */
  readonly address: string;
}

/** See the module's text. */
export class StreamLinks {
  readonly #parts: LinkParts;
  readonly #failed = Promise.withResolvers<never>();
  /** By URL, with what it was made for. */
  readonly #links = new Map<string, { readonly key: string; readonly link: StreamLink }>();

  private constructor(config: Config, { beginsWithHistory, address }: LinksOptions) {
    const own = new StoredEvents(config);
    const log = new LogReader(own.db!);
    const store = new UpstreamStore(upstreamPath(config.DATA_DIR));
    store.cursors.forgetBeyond(log.lastSeq);
    this.#parts = {
      config,
      own,
      log,
      store,
      feed: new EventFeed(config, { address, tell: sayRefusals }),
      plugins: new StreamPlugins(
        new Logger("router", createLogLevel(config.LOG_LEVEL)),
        () => config.PLUGIN_TIMEOUT_MS,
      ),
      beginsWithHistory,
      failed: (error) => this.#failed.reject(error),
    };
  }

  static async open(config: Config, options: LinksOptions): Promise<StreamLinks> {
    await makeStore(config);
    return new StreamLinks(config, options);
  }

  /** Rejects when nothing more can be stored. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /**
   * These streams run from now on; a relay whose streams are the same keeps its connection.
   *
   * @throws {RangeError} if they name more relays than one command serves.
   */
  async use(streams: readonly Stream[]): Promise<void> {
    const urls = new Set(streams.flatMap((stream) => stream.urls));
    if (urls.size > STREAM_RELAYS_MAX) {
      throw new RangeError(
        `Cannot run streams: ${urls.size} relays are named, ${STREAM_RELAYS_MAX} are the most`,
      );
    }
    const wanted = new Map<string, Stream[]>();
    for (const url of urls) wanted.set(url, streams.filter((stream) => stream.urls.includes(url)));
    const isWanted = (url: string, key: string) => wanted.has(url) && key === keyOf(wanted.get(url)!);
    const over = [...this.#links].filter(([url, { key }]) => !isWanted(url, key));
    await Promise.all(over.map(([, { link }]) => link.end()));
    for (const [url] of over) this.#links.delete(url);
    const named = streams.flatMap(({ pluginUp, pluginDown }) => [pluginUp, pluginDown]);
    await this.#parts.plugins.keep(new Set(named.filter((command) => command !== null)));
    for (const [url, own] of wanted) {
      if (this.#links.has(url)) continue;
      this.#links.set(url, { key: keyOf(own), link: new StreamLink(url, own, this.#parts) });
    }
  }

  /** Ends all; what has come is stored. */
  async end(): Promise<ImportReport | null> {
    await Promise.all([...this.#links.values()].map(({ link }) => link.end()));
    await this.#parts.plugins.keep(new Set());
    const report = await this.#parts.feed.end();
    this.#parts.store.flush();
    this.#parts.store.close();
    return report;
  }
}

/** What a relay's streams are, but for the other relays that they name. */
function keyOf(streams: readonly Stream[]): string {
  return JSON.stringify(streams.map(({ urls: _, ...stream }) => stream));
}

function sayRefusals({ refusals }: ImportReport): void {
  for (const { id, reason } of refusals) say(`Event not written: ${id}: ${reason}`);
}

/** Makes the store where no relay has made one. */
async function makeStore(config: Config): Promise<void> {
  const lock = await tryLockDataDir(config.DATA_DIR);
  if (lock === null) return;
  openForWriting(storePath(config.DATA_DIR), {
    durability: config.DURABILITY,
    cacheMebibytes: config.CACHE_MB,
  }).close();
  lock.release();
}
