/**
 * Keeps the table of relays as they are, with at most one transaction a second.
 * Runs on an upstream worker, which owns it.
 *
 * @module
 */
import { UPSTREAM_PAGE_ROWS } from "../../lib/limits.ts";
import type { RelayRow } from "../../lib/upstream/relay_table.ts";
import type { UpstreamStore } from "../../lib/upstream/upstream_store.ts";
import type { UpstreamRelay } from "./upstream_relay.ts";

/** See the module's text. */
export class RelayTableWriter {
  readonly #store: UpstreamStore;
  readonly #flushCursors: () => void;
  readonly #changed = new Set<UpstreamRelay>();
  readonly #gone = new Set<string>();
  /** What was written last, so that a relay that stays as it is is not written. */
  readonly #written = new Map<string, string>();

  /** @param flushCursors Stores what belongs into the same transaction. */
  constructor(store: UpstreamStore, flushCursors: () => void) {
    this.#store = store;
    this.#flushCursors = flushCursors;
  }

  /** A relay may differ from its row. */
  changed(relay: UpstreamRelay): void {
    this.#changed.add(relay);
  }

  /** A relay is none of this worker's. */
  gone(url: string): void {
    this.#gone.add(url);
  }

  /** A relay is one of this worker's again. */
  returned(url: string): void {
    this.#gone.delete(url);
  }

  /** Forgets rows of relays that `isMine` says are this worker's, and that it does not have. */
  forgetOthers(isMine: (url: string) => boolean, isKnown: (url: string) => boolean): void {
    const { relays } = this.#store;
    for (let page = relays.page("", UPSTREAM_PAGE_ROWS); page.length > 0;) {
      for (const { url } of page) if (isMine(url) && !isKnown(url)) this.gone(url);
      page = relays.page(page.at(-1)!.url, UPSTREAM_PAGE_ROWS);
    }
  }

  /**
   * Writes what has changed, and the places and cursors of streams.
   *
   * @throws {Error} if the disk is at fault; all is written again later.
   */
  flush(): void {
    const rows = [...this.#changed].map((relay) => relay.row);
    this.#changed.clear();
    try {
      this.#store.transaction(() => this.#write(rows));
      this.#gone.clear();
    } catch (error) {
      this.#written.clear();
      throw error;
    }
  }

  #write(rows: readonly RelayRow[]): void {
    for (const row of rows) {
      if (this.#gone.has(row.url)) continue;
      const text = JSON.stringify(row);
      if (this.#written.get(row.url) === text) continue;
      this.#store.relays.write(row);
      this.#written.set(row.url, text);
    }
    for (const url of this.#gone) {
      this.#written.delete(url);
      this.#store.relays.forget(url);
    }
    this.#store.places.flush();
    this.#flushCursors();
  }
}
