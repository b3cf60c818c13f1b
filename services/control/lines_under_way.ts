/**
 * Which line of an import an outcome is about. Outcomes name an id, or nothing where the line was no event; those about
 * nothing come in the order of the lines, since the same verifier refuses them all.
 * Control's thread owns it; it holds a number for each line that is not answered.
 *
 * @module
 */
export class LinesUnderWay {
  readonly #byId = new Map<string, number | number[]>();

  /** @param id As it stands in the line; empty where there is none. */
  add(id: string, line: number): void {
    const waiting = this.#byId.get(id);
    if (waiting === undefined) this.#byId.set(id, line);
    else if (typeof waiting === "number") this.#byId.set(id, [waiting, line]);
    else waiting.push(line);
  }

  /** Takes the first line that states this id, or null if no line does. */
  take(id: string): number | null {
    const waiting = this.#byId.get(id);
    if (waiting === undefined) return null;
    if (typeof waiting === "object" && waiting.length > 1) return waiting.shift()!;
    this.#byId.delete(id);
    return typeof waiting === "number" ? waiting : waiting[0]!;
  }

  /** The first line that is not answered, or null; goes through all. */
  get first(): number | null {
    let first = Infinity;
    for (const waiting of this.#byId.values()) {
      first = Math.min(first, typeof waiting === "number" ? waiting : waiting[0]!);
    }
    return first === Infinity ? null : first;
  }

  /** Forgets all: every line is answered. */
  clear(): void {
    this.#byId.clear();
  }
}
