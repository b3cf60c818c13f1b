/**
 * Keeps the table of relays as they are, with at most one transaction a second.
 * Runs on an upstream worker, which owns it.
 *
 * @module
 */
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

  /** A relay is no longer of this worker. */
  gone(url: string): void {
    this.#gone.add(url);
  }

  /** Writes what has changed, and the places that streams have noted. */
  flush(): void {
    const rows = [...this.#changed].map((relay) => relay.row);
    this.#changed.clear();
    this.#store.transaction(() => {
      for (const row of rows) {
        if (this.#gone.has(row.url)) continue;
        const text = JSON.stringify(row);
        if (this.#written.get(row.url) === text) continue;
        this.#written.set(row.url, text);
        this.#store.relays.write(row);
      }
      for (const url of this.#gone) {
        this.#written.delete(url);
        this.#store.relays.forget(url);
      }
      this.#store.places.flush();
      this.#flushCursors();
    });
    this.#gone.clear();
  }
}
