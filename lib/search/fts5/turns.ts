/**
 * Whose step is next, of searches that run at once: one step of all of them, then the thread does other work.
 * Belongs to the thread that searches.
 *
 * @module
 */

/** See the module's text. */
export class SearchTurns {
  readonly #pause: () => Promise<void>;
  #last: Promise<void> = Promise.resolve();

  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  /** Takes a step when all that were asked for before are done, and other work has had its turn. */
  async next<Result>(step: () => Result): Promise<Result> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      return step();
    } finally {
      this.#pause().then(resolve, resolve);
    }
  }
}
