/**
 * Which relays are upstream and what their streams are, from all that names them: settings, two files that are read again
 * when they change, the API, and lists in our own store.
 * Runs on an upstream worker, which owns it; every worker has the whole of it and serves its share.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { UPSTREAM_FILE_BYTES_MAX, UPSTREAM_RELAYS_BOUND } from "../../lib/limits.ts";
import { normalRelayUrl } from "../../lib/nostr/relay_url.ts";
import { ownUrls } from "../../lib/relay/own_urls.ts";
import type { Stream } from "../../lib/routing/stream.ts";
import { RelaySources, urlsOfLines } from "../../lib/upstream/relay_sources.ts";
import type { Logger } from "../../runtime/logger.ts";
import { WatchedFile } from "../../runtime/watched_file.ts";
import { readStreams } from "../../lib/routing/read_streams.ts";

/** The stream of all relays that are not named by streams alone; durable places are kept under it. */
const DEFAULT_STREAM = "upstream";
/** Lines of a file that are logged as wrong. */
const WRONG_LINES_LOGGED = 5;

/** A relay with who names it and its streams. */
interface ListedRelay {
  readonly url: string;
  readonly sources: readonly string[];
  readonly streams: readonly Stream[];
}

/** What it works with. */
interface DirectoryParts {
  readonly config: () => Config;
  /** The relays that the API has named. */
  readonly named: (most: number) => readonly string[];
  readonly log: Logger;
  /** Whether this worker logs what all of them find. */
  readonly isFirst: boolean;
}

/** See the module's text. */
export class Directory {
  readonly sources = new RelaySources();
  readonly #parts: DirectoryParts;
  #relaysFile: WatchedFile | null = null;
  #streamsFile: WatchedFile | null = null;
  #streams: readonly Stream[] = [];
  #streamsVersion = 0;
  #connectMsMax: number | null = null;
  #leftOut = 0;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
  }

  /** Another one after each change of what `relays` returns, but for a change of settings. */
  get version(): string {
    return `${this.sources.version} ${this.#streamsVersion}`;
  }

  /** Streams of the streams file. */
  get streams(): readonly Stream[] {
    return this.#streams;
  }

  /** The longest that a connection attempt takes, ms; null: nobody says. */
  get connectMsMax(): number | null {
    return this.#connectMsMax;
  }

  /** Takes in settings and files. Never rejects: what cannot be read leaves everything as it was. */
  async look(): Promise<void> {
    const { config, named } = this.#parts;
    const { UPSTREAM_RELAYS, UPSTREAM_FILE, STREAMS_FILE } = config();
    this.sources.set("settings", "", normalUrls(UPSTREAM_RELAYS ?? []));
    this.sources.set("api", "", named(UPSTREAM_RELAYS_BOUND));
    this.#relaysFile = fileAt(UPSTREAM_FILE, this.#relaysFile);
    this.#streamsFile = fileAt(STREAMS_FILE, this.#streamsFile);
    await this.#lookAt(this.#relaysFile, (text) => this.#useRelays(text));
    await this.#lookAt(this.#streamsFile, (text, path) => this.#useStreams(text, path));
  }

  /** The relays, `most` of them at most, none of which is this relay itself. */
  relays(most: number): ListedRelay[] {
    const { config, log, isFirst } = this.#parts;
    const own = new Set(ownUrls(config()).map(normalRelayUrl));
    const { relays, leftOut } = this.sources.relays(most);
    if (leftOut !== this.#leftOut && isFirst && leftOut > 0) {
      log.warn(`${leftOut} upstream relays are left out: UPSTREAM_RELAYS_MAX is ${most}`);
    }
    this.#leftOut = leftOut;
    const byUrl = new Map<string, Stream[]>();
    for (const stream of this.#streams) {
      for (const url of stream.urls) byUrl.set(url, [...byUrl.get(url) ?? [], stream]);
    }
    const main = this.#mainStream();
    return [...relays.values()].filter(({ url }) => !own.has(url)).map(({ url, sources }) => {
      const isListed = sources.some((source) => source !== "stream");
      return { url, sources, streams: [...isListed ? [main] : [], ...byUrl.get(url) ?? []] };
    });
  }

  #mainStream(): Stream {
    const filter = JSON.parse(this.#parts.config().UPSTREAM_FILTER) as Stream["filter"];
    return { name: DEFAULT_STREAM, direction: "down", filter, urls: [], pluginUp: null, pluginDown: null };
  }

  async #lookAt(file: WatchedFile | null, use: (text: string, path: string) => void): Promise<void> {
    const { log, isFirst } = this.#parts;
    const found = await file?.look() ?? null;
    if (found === null) return;
    try {
      if ("fault" in found) throw new Error(found.fault);
      use(found.text, file!.path);
    } catch (error) {
      // All workers find the same.
      if (isFirst) log.error(`${(error as Error).message}; everything stays as it was`);
    }
  }

  #useRelays(text: string): void {
    const { log, isFirst } = this.#parts;
    const wrong: string[] = [];
    const urls = urlsOfLines(text, (line, named) => wrong.push(`line ${line} "${named}"`));
    this.sources.set("file", "", urls);
    if (!isFirst) return;
    log.info(`UPSTREAM_FILE names ${urls.length} relays`);
    if (wrong.length === 0) return;
    const some = wrong.slice(0, WRONG_LINES_LOGGED).join(", ");
    log.warn(`${wrong.length} lines of UPSTREAM_FILE are no URLs of relays: ${some}`);
  }

  #useStreams(text: string, path: string): void {
    const { log, isFirst } = this.#parts;
    const { streams, connectMsMax, ignored } = readStreams(path, text);
    this.#streams = streams;
    this.#connectMsMax = connectMsMax;
    this.#streamsVersion++;
    for (const { name, urls } of this.#streams) this.sources.set("stream", name, urls);
    this.sources.keep("stream", new Set(this.#streams.map(({ name }) => name)));
    if (!isFirst) return;
    log.info(`STREAMS_FILE has ${this.#streams.length} streams`);
    for (const sentence of ignored) log.warn(`STREAMS_FILE: ${sentence}`);
  }
}

function normalUrls(urls: readonly string[]): string[] {
  return [...new Set(urls.map(normalRelayUrl).filter((url) => url !== null))];
}

/** The file at a path: the one that is watched already if it is that. */
function fileAt(path: string | null, before: WatchedFile | null): WatchedFile | null {
  if (path === null) return null;
  return before?.path === path ? before : new WatchedFile(path, UPSTREAM_FILE_BYTES_MAX);
}
