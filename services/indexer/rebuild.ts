/**
 * Builds the index anew where `deno task reindex` has asked for it: a successor follows the log beside the index that
 * serves, each with a cursor of its own, until both are as far as the log is; then it takes the other's place. What is
 * added or removed meanwhile comes to both by the log. A backend without room for two is emptied, and fills as at its
 * first start.
 *
 * Runs on the indexer's thread, which owns it. That it is asked for and how far it is lies in the index state: a relay
 * that ends goes on at its next start.
 *
 * @module
 */
import { slotOf } from "../../lib/metrics/layout.ts";
import type { SearchIndex } from "../../lib/search/search_index.ts";
import { backoffMs, isPassing } from "./failures.ts";
import { type FollowerParts, LogFollower } from "./log_follower.ts";

const BULK_FAILURES = slotOf("nostr_bulk_failures_total");
const DEAD_LETTERS = slotOf("nostr_search_dead_letters");

/** What a step of the rebuild means for the index that serves. */
type RebuildStep =
  /** Nothing is asked for, or it does not answer. */
  | "idle"
  /** Another bulk waits. */
  | "more"
  /** The index that serves holds nothing any more. */
  | "emptied"
  /** The successor is the index that serves. */
  | "succeeded";

/** See the module's text. */
export class Rebuild {
  readonly #index: SearchIndex;
  readonly #parts: FollowerParts;
  readonly #hideIndex: () => void;
  #follower: LogFollower | null = null;
  #failures = 0;
  /** After a failure: the next attempt comes no sooner. */
  #notBeforeMs = 0;

  /** @param hideIndex Called before the index that serves is emptied: no search may take that for an answer. */
  constructor(index: SearchIndex, parts: FollowerParts, hideIndex: () => void) {
    this.#index = index;
    this.#parts = parts;
    this.#hideIndex = hideIndex;
  }

  /** Sends one bulk to the successor, if one is asked for. */
  async step(eventsMax: number): Promise<RebuildStep> {
    const begun = this.#parts.state.rebuild;
    if (begun === null || performance.now() < this.#notBeforeMs) return "idle";
    try {
      const step = await this.#advance(begun, eventsMax);
      this.#failures = 0;
      return step;
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (this.#failures++ === 0) {
        this.#parts.lines.warn(`the new search index waits: ${(error as Error).message}`);
      }
      this.#notBeforeMs = performance.now() + backoffMs(this.#failures);
      this.#parts.metrics.add(BULK_FAILURES, 1);
      // It may be gone; its cursor knows how far it was, if it is not.
      this.#follower = null;
      return "idle";
    }
  }

  async #advance(begun: string, eventsMax: number): Promise<RebuildStep> {
    const { state, lines } = this.#parts;
    if (this.#index.rebuildsInPlace && begun === "") this.#hideIndex();
    if (this.#follower === null) {
      const successor = await this.#index.openSuccessor(begun);
      if (successor === null) {
        if (state.rebuild === begun) return "idle";
        lines.info("the search index was emptied, to be built anew");
        return "emptied";
      }
      if (successor.generation !== begun) state.beginRebuild(successor.generation);
      this.#follower = new LogFollower(successor, successor.generation, this.#parts);
      lines.info(`the search index is built anew: ${this.#follower.lag} changes to go`);
    }
    const { isWhole } = await this.#follower.step(eventsMax);
    if (!isWhole) return "more";
    await this.#index.succeed();
    this.#follower = null;
    this.end();
    return "succeeded";
  }

  /** The index that serves is whole: what was asked for is done. */
  end(): void {
    const { state, lines, metrics } = this.#parts;
    state.endRebuild();
    metrics.set(DEAD_LETTERS, state.deadLetterCount());
    lines.info("the search index was built anew and serves");
  }
}
