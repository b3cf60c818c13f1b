/**
 * What one thread has asked another by a port and has no answer to yet.
 * The asking thread owns it.
 *
 * @module
 */

/** A question that is not answered. */
interface OpenQuestion<Answer> {
  readonly resolve: (answer: Answer) => void;
  /** The answer if whoever was asked is gone. */
  readonly lost: Answer;
}

/** See the module's text. */
export class OpenQuestions<Answer> {
  readonly #open = new Map<number, OpenQuestion<Answer>>();
  #last = 0;

  /** Opens a question: its number, and its answer, which {@linkcode settle} or {@linkcode loseAll} gives. */
  open(lost: Answer): { readonly number: number; readonly answer: Promise<Answer> } {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const number = ++this.#last;
    this.#open.set(number, { resolve, lost });
    return { number, answer: promise };
  }

  /** The answer to a question is there; one that is settled already stays as it is. */
  settle(number: number, answer: Answer): void {
    this.#open.get(number)?.resolve(answer);
    this.#open.delete(number);
  }

  /** Whoever was asked is gone. */
  loseAll(): void {
    for (const [number, { lost }] of [...this.#open]) this.settle(number, lost);
  }
}
