/**
 * Command-line flags of the bench: `--name value` pairs and bare `--name` switches, each asked for by its name.
 * Runs in the bench's own process.
 *
 * @module
 */

/** The flags of one run. What nobody asked for is reported by {@linkcode Flags.finish}. */
export class Flags {
  readonly #values = new Map<string, string>();
  readonly #asked = new Set<string>();

  constructor(words: readonly string[]) {
    for (let at = 0; at < words.length; at++) {
      const word = words[at]!;
      if (!word.startsWith("--")) throw new Error(`Cannot read argument "${word}": flags start with --`);
      const next = words[at + 1];
      const hasValue = next !== undefined && !next.startsWith("--");
      this.#values.set(word.slice(2), hasValue ? next : "true");
      if (hasValue) at++;
    }
  }

  /** The text of a flag, or `otherwise`. */
  text(name: string, otherwise: string): string {
    return this.optional(name) ?? otherwise;
  }

  /** The text of a flag that may be absent. */
  optional(name: string): string | undefined {
    this.#asked.add(name);
    return this.#values.get(name);
  }

  /** The number of a flag, or `otherwise`. */
  number(name: string, otherwise: number): number {
    const text = this.optional(name);
    if (text === undefined) return otherwise;
    const value = Number(text.replaceAll("_", ""));
    if (!Number.isFinite(value) || value < 0) {
      throw new Error(`Cannot read --${name} "${text}": not a number`);
    }
    return value;
  }

  /** Whether a switch is on. */
  switch(name: string): boolean {
    return this.text(name, "false") === "true";
  }

  /** Texts separated by commas. */
  list(name: string, otherwise: readonly string[]): string[] {
    return this.text(name, otherwise.join(",")).split(",").filter((text) => text !== "");
  }

  /** Fails when a flag was given that nothing asked for. */
  finish(): void {
    for (const name of this.#values.keys()) {
      if (!this.#asked.has(name)) throw new Error(`Cannot use --${name}: this scenario has no such flag`);
    }
  }
}
