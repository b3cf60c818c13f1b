/**
 * Follows the lists of relays in our own store: kind 10002 of followed keys and kind 30166 of trusted monitors. The present
 * ones are read by their index; then the log tells of new ones and of those that were replaced or deleted.
 * Runs on an upstream worker, which owns it.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { UPSTREAM_LIST_ROWS, UPSTREAM_RELAYS_BOUND } from "../../lib/limits.ts";
import { Follower } from "../../lib/log/follower.ts";
import { type IdRow, LogReader, type TextRow } from "../../lib/log/log_reader.ts";
import type { TailMemory } from "../../lib/log/tail.ts";
import { createdAtOf, eventOf, idOf, kindOf, pubkeyOf } from "../../lib/nostr/exact.ts";
import { EventReader } from "../../lib/store/read/event_reader.ts";
import { type RelaySources, urlsOfRelayList, urlsOfReport } from "../../lib/upstream/relay_sources.ts";

const KIND_RELAY_LIST = 10002;
const KIND_RELAY_REPORT = 30166;

/** Whose lists count. */
interface ListAuthors {
  readonly follows: readonly string[];
  readonly monitors: readonly string[];
}

/** A list that counts now. */
interface KnownList {
  readonly source: "follow" | "monitor";
  readonly name: string;
  readonly id: string;
  readonly createdAt: number;
}

/** See the module's text. */
export class RelayLists {
  readonly #sources: RelaySources;
  readonly #reader: EventReader;
  readonly #follower: Follower<TextRow, IdRow>;
  readonly #byName = new Map<string, KnownList>();
  readonly #byId = new Map<string, KnownList>();
  #follows: ReadonlySet<string> = new Set();
  #monitors: ReadonlySet<string> = new Set();

  constructor(db: DatabaseSync, tail: TailMemory, sources: RelaySources) {
    this.#sources = sources;
    this.#reader = new EventReader(db);
    this.#follower = new Follower<TextRow, IdRow>({
      log: new LogReader(db),
      tail,
      sink: { add: ([, text]) => this.#add(text), remove: ([, id]) => this.#remove(id) },
    });
  }

  /** Whether the log may go on after what was read, and matters. */
  get hasMore(): boolean {
    return this.#isUsed && this.#follower.hasMore;
  }

  get #isUsed(): boolean {
    return this.#follows.size + this.#monitors.size > 0;
  }

  /** From now on the lists of these authors count; reads those that are stored. `pause` lets others run between slices. */
  async use({ follows, monitors }: ListAuthors, pause: () => Promise<void>): Promise<void> {
    if (!this.#isUsed) this.#follower.moveTo(this.#reader.refresh());
    this.#follows = new Set(follows);
    this.#monitors = new Set(monitors);
    for (const list of [...this.#byName.values()]) {
      if (!this.#authors(list.source).has(list.name.slice(0, 64))) this.#forget(list);
    }
    await this.#read(KIND_RELAY_LIST, follows, pause);
    await this.#read(KIND_RELAY_REPORT, monitors, pause);
  }

  /** Goes on in the log by a bounded step. Returns whether it is at its end. */
  follow(): boolean {
    return this.#follower.step(UPSTREAM_LIST_ROWS);
  }

  async #read(kind: number, authors: readonly string[], pause: () => Promise<void>): Promise<void> {
    if (authors.length === 0) return;
    const seqMax = this.#reader.refresh();
    const filter = { kinds: [kind], authors, tags: [], limit: UPSTREAM_RELAYS_BOUND };
    const scan = this.#reader.scan(filter, { seqMax, now: Math.floor(Date.now() / 1000) });
    const step = () => scan.step({ rows: UPSTREAM_LIST_ROWS, bytes: Infinity }, (text) => this.#add(text));
    while (step() === "more") await pause();
  }

  #authors(source: KnownList["source"]): ReadonlySet<string> {
    return source === "follow" ? this.#follows : this.#monitors;
  }

  #add(text: string): void {
    const kind = kindOf(text);
    if (kind !== KIND_RELAY_LIST && kind !== KIND_RELAY_REPORT) return;
    const source = kind === KIND_RELAY_LIST ? "follow" : "monitor";
    const author = pubkeyOf(text);
    if (!this.#authors(source).has(author)) return;
    const event = eventOf(text);
    const list = {
      source,
      name: source === "follow"
        ? author
        : `${author} ${event.tags.find(([name]) => name === "d")?.[1] ?? ""}`,
      id: idOf(text),
      createdAt: createdAtOf(text),
    } as const;
    const known = this.#byName.get(`${source} ${list.name}`);
    if (known !== undefined && known.createdAt > list.createdAt) return;
    if (known === undefined && this.#byName.size >= 2 * UPSTREAM_RELAYS_BOUND) return;
    if (known !== undefined) this.#byId.delete(known.id);
    this.#byName.set(`${source} ${list.name}`, list);
    this.#byId.set(list.id, list);
    this.#sources.set(source, list.name, source === "follow" ? urlsOfRelayList(event) : urlsOfReport(event));
  }

  #remove(id: string): void {
    const list = this.#byId.get(id);
    if (list !== undefined) this.#forget(list);
  }

  #forget(list: KnownList): void {
    this.#byId.delete(list.id);
    this.#byName.delete(`${list.source} ${list.name}`);
    this.#sources.set(list.source, list.name, []);
  }
}
