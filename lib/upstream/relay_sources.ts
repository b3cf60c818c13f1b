/**
 * Which relays are upstream, and who named each: settings, streams, the API, a file, and lists of strangers that followed
 * keys (kind 10002, NIP-65) and monitors (kind 30166, NIP-66) publish. Where all together name more than there may be,
 * the operator's own come first, and the rest is counted.
 * Pure; belongs to the thread that calls relays.
 *
 * @module
 */
import { UPSTREAM_LIST_URLS_MAX } from "../limits.ts";
import { normalRelayUrl } from "../nostr/relay_url.ts";

/** Who may name relays, first those that are heard first. */
const SOURCE_KINDS = ["settings", "stream", "api", "file", "follow", "monitor"] as const;
/** Who names a relay. */
type SourceKind = typeof SOURCE_KINDS[number];

/** A relay, and who named it. */
interface NamedRelay {
  readonly url: string;
  readonly sources: readonly SourceKind[];
}

/** All relays that are upstream. */
interface NamedRelays {
  readonly relays: ReadonlyMap<string, NamedRelay>;
  /** Relays that are named and left out, because there are enough. */
  readonly leftOut: number;
}

/** See the module's text. */
export class RelaySources {
  /** By source, and within it by list: a stream, an author, a report. */
  readonly #lists = new Map<SourceKind, Map<string, readonly string[]>>(
    SOURCE_KINDS.map((kind) => [kind, new Map()]),
  );
  #version = 0;

  /** Another one after each change. */
  get version(): number {
    return this.#version;
  }

  /** A list names these relays now, in place of those before; none: it is gone. */
  set(kind: SourceKind, list: string, urls: readonly string[]): void {
    const lists = this.#lists.get(kind)!;
    const before = lists.get(list) ?? [];
    if (before.length === urls.length && before.every((url, n) => url === urls[n])) return;
    if (urls.length === 0) lists.delete(list);
    else lists.set(list, urls);
    this.#version++;
  }

  /** Forgets the lists of one kind whose names are not among these. */
  keep(kind: SourceKind, names: ReadonlySet<string>): void {
    for (const name of [...this.#lists.get(kind)!.keys()]) {
      if (!names.has(name)) this.set(kind, name, []);
    }
  }

  /** Lists of one kind. */
  count(kind: SourceKind): number {
    return this.#lists.get(kind)!.size;
  }

  /** All relays, `most` of them at most. */
  relays(most: number): NamedRelays {
    const relays = new Map<string, { url: string; sources: SourceKind[] }>();
    const left = new Set<string>();
    for (const [kind, lists] of this.#lists) {
      for (const url of [...lists.values()].flat()) {
        const known = relays.get(url);
        if (known !== undefined) {
          if (known.sources.at(-1) !== kind) known.sources.push(kind);
        } else if (relays.size < most) relays.set(url, { url, sources: [kind] });
        else left.add(url);
      }
    }
    return { relays, leftOut: left.size };
  }
}

/**
 * The relays in a text with one URL a line; blank lines, and what follows `#` after a space or at a line's begin, do not
 * count. What is no URL of a relay is given to `wrong` with its line, counted from 1.
 */
export function urlsOfLines(text: string, wrong: (line: number, text: string) => void): string[] {
  const urls = new Set<string>();
  for (const [at, line] of text.split("\n").entries()) {
    const named = line.replace(/(^|\s)#[^]*$/, "").trim();
    if (named === "") continue;
    const url = /\s/.test(named) ? null : normalRelayUrl(named);
    if (url === null) wrong(at + 1, named);
    else urls.add(url);
  }
  return [...urls];
}

/** An event that may be a list, as far as it matters here. */
interface ListEvent {
  readonly kind: number;
  readonly tags: readonly (readonly string[])[];
}

/** The relays to which an author writes, by a list of kind 10002 (NIP-65): `r` tags without a marker, or with `write`. */
export function urlsOfRelayList({ tags }: ListEvent): string[] {
  const named = tags.filter(([name, , marker]) => name === "r" && marker !== "read").map(([, url]) => url);
  return normalUrls(named);
}

/** The relay that a monitor reports, by kind 30166 (NIP-66), if it can be called from the clear net. */
export function urlsOfReport({ tags }: ListEvent): string[] {
  const networks = tags.filter(([name]) => name === "n").map(([, network]) => network);
  if (networks.length > 0 && !networks.includes("clearnet")) return [];
  return normalUrls(tags.filter(([name]) => name === "d").map(([, url]) => url).slice(0, 1));
}

function normalUrls(texts: readonly (string | undefined)[]): string[] {
  const urls = new Set<string>();
  for (const text of texts) {
    const url = text === undefined ? null : normalRelayUrl(text);
    if (url === null || new URL(url).hostname.endsWith(".onion")) continue;
    urls.add(url);
    if (urls.size === UPSTREAM_LIST_URLS_MAX) break;
  }
  return [...urls];
}

/**
 * Which of `workers` serves a relay. All relays of one host are served by one, so that bounds of a host are exact.
 * FNV-1a over the host name.
 */
export function workerOf(host: string, workers: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < host.length; at++) hash = Math.imul(hash ^ host.charCodeAt(at), 0x01000193) >>> 0;
  return hash % workers;
}
