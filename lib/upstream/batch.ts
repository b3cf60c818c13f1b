/**
 * Events that came together and are not all dealt with: each is settled when its outcome is certain. What was fetched
 * counts as fetched only then.
 * Belongs to the stream that fetched them, on its worker's thread.
 *
 * @module
 */

/**
 * Tells that an event is dealt with. True: it is stored, was here already, or was refused for what it is. False: nobody
 * knows, and it has to be fetched again.
 */
export type Settle = (isCertain: boolean) => void;

/** See the module's text. */
export class Batch {
  /** Its events that are not settled, and the batch itself while it is open. */
  #open = 1;
  #isCertain = true;
  readonly #settled = Promise.withResolvers<boolean>();

  /** Resolves when the batch is closed and all events are settled: whether all of them are certain. */
  get settled(): Promise<boolean> {
    return this.#settled.promise;
  }

  /** Adds an event. Calls of what it returns after the first have no effect. */
  add(): Settle {
    this.#open++;
    let isSettled = false;
    return (isCertain) => {
      if (isSettled) return;
      isSettled = true;
      this.#end(isCertain);
    };
  }

  /** No further event comes. */
  close(): void {
    this.#end(true);
  }

  #end(isCertain: boolean): void {
    this.#isCertain &&= isCertain;
    if (--this.#open === 0) this.#settled.resolve(this.#isCertain);
  }
}
