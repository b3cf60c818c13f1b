/**
 * The fresh tables: where events are indexed until there are enough of them to be moved into the settled ones at once.
 * The store's thread owns the writing side; the statements' text serves every thread.
 *
 *     add ──▶ fresh_event, fresh_tag ──── FRESH_EVENTS_MAX, sorted, one transaction ───▶ event, tag
 *             (some MiB, all of it        or FRESH_TAGS_MAX                            (as large as the store)
 *              in a few pages)
 *
 * Why: keys are as good as random, so that an event's rows lie in pages of their own in each large index, and a commit
 * writes whole pages. In small tables a group of events shares its pages; moving many at once shares those of the large
 * tables. An event is always in exactly one of the two, at every commit: whoever asks both, in one statement or in one
 * snapshot, sees it once.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { FRESH_EVENTS_MAX, FRESH_TAGS_MAX } from "../../limits.ts";

/** What the names of the tables and indexes of a generation begin with. */
export type Generation = "" | "fresh_";

/** The text of a statement that asks both generations; `write` gives a half. Parameters are numbered: both use them. */
export function ofBoth(write: (generation: Generation) => string): string {
  return `${write("")} UNION ALL ${write("fresh_")}`;
}

/** The writing side: says when moving is due, and moves. */
export class FreshTables {
  readonly #move: readonly StatementSync[];
  readonly #eventsMax: number;
  readonly #tagsMax: number;
  #events: number;
  #tags: number;

  /** @param eventsMax Fresh events at which moving them is due, and at as many tags in proportion. */
  constructor(db: DatabaseSync, eventsMax: number) {
    this.#eventsMax = eventsMax;
    this.#tagsMax = eventsMax * (FRESH_TAGS_MAX / FRESH_EVENTS_MAX);
    [this.#events, this.#tags] = ["fresh_event", "fresh_tag"].map((table) =>
      db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n as number
    ) as [number, number];
    // Both tables are read in the order of the settled one's own tree.
    this.#move = [
      "INSERT OR FAIL INTO event SELECT * FROM fresh_event ORDER BY seq",
      "INSERT OR FAIL INTO tag SELECT * FROM fresh_tag ORDER BY tag_key, age, id_key, seq",
      "DELETE FROM fresh_event",
      "DELETE FROM fresh_tag",
    ].map((text) => db.prepare(text));
  }

  /** Whether as much is fresh as should be. What was removed or undone since may be counted still. */
  get isFull(): boolean {
    return this.#events >= this.#eventsMax || this.#tags >= this.#tagsMax;
  }

  /** Counts an event of so many tags that was added to them. */
  added(tags: number): void {
    this.#events++;
    this.#tags += tags;
  }

  /** Moves everything; inside a group. Until that is committed, call `moved` not. */
  move(): void {
    for (const statement of this.#move) statement.run();
  }

  /** What was moved is committed. */
  moved(): void {
    this.#events = this.#tags = 0;
  }
}
