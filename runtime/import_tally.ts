/**
 * What became of the lines of an import, counted the same way whether a relay runs or not.
 * Belongs to the thread that imports: of control, or of `deno task import`.
 *
 * @module
 */
import { IMPORT_REASONS_MAX } from "../lib/limits.ts";
import type { ImportReport } from "../wire/control_lines.ts";

/** Why an event is refused that as a message would be longer than the relay takes. */
export function tooLongFor(messageBytesMax: number): string {
  return `invalid: the event is longer than a message of ${messageBytesMax} bytes`;
}

/** See the module's text. */
export class ImportTally {
  #read = 0;
  #stored = 0;
  #duplicates = 0;
  #refused = 0;
  readonly #reasons = new Map<string, number>();

  /** A line was taken up. */
  read(): void {
    this.#read++;
  }

  stored(): void {
    this.#stored++;
  }

  /** The event is there already, or a newer one in its place. */
  duplicate(): void {
    this.#duplicates++;
  }

  /** Beyond `IMPORT_REASONS_MAX` different reasons, others are counted and not named. */
  refused(reason: string): void {
    this.#refused++;
    const times = this.#reasons.get(reason);
    if (times === undefined && this.#reasons.size >= IMPORT_REASONS_MAX) return;
    this.#reasons.set(reason, (times ?? 0) + 1);
  }

  report(done: boolean): ImportReport {
    return {
      read: this.#read,
      stored: this.#stored,
      duplicates: this.#duplicates,
      refused: this.#refused,
      reasons: Object.fromEntries(this.#reasons),
      done,
    };
  }
}
