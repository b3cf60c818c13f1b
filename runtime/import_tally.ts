/**
 * What became of the lines of an import, counted the same way whether a relay runs or not.
 * Belongs to the thread that imports: of control, or of `deno task import`.
 *
 * @module
 */
import { IMPORT_ID_CHARS_MAX, IMPORT_REASONS_MAX, IMPORT_REFUSALS_NAMED_MAX } from "../lib/limits.ts";
import type { ImportReport, NamedRefusal } from "../wire/control_lines.ts";

/** An id as it stands in the text of an event. */
const ID = /"id"\s*:\s*"([0-9a-f]{64})"/;

/** Why an event is refused that as a message would be longer than the relay takes. */
export function tooLongFor(messageBytesMax: number): string {
  return `invalid: the event is longer than a message of ${messageBytesMax} bytes`;
}

/** The id that the text of an event states, or an empty text: it may be no event. */
export function statedId(text: string): string {
  return ID.exec(text)?.[1] ?? "";
}

/** See the module's text. */
export class ImportTally {
  #read = 0;
  #stored = 0;
  #duplicates = 0;
  #refused = 0;
  readonly #reasons = new Map<string, number>();
  #named = 0;
  #refusals: NamedRefusal[] = [];
  /** Lines that were counted as anything, now and in the last report. */
  #counted = 0;
  #reported = 0;

  /** A line was taken up. */
  read(): void {
    this.#read++;
    this.#counted++;
  }

  stored(): void {
    this.#stored++;
    this.#counted++;
  }

  /** The event is there already, or a newer one in its place. */
  duplicate(): void {
    this.#duplicates++;
    this.#counted++;
  }

  /**
   * A line was refused. Beyond `IMPORT_REASONS_MAX` different reasons, others are counted and not named.
   *
   * @param line The number of the line, from 1 on, or null where nobody knows.
   * @param id The event's; empty where it has none.
   */
  refused(reason: string, line: number | null, id: string): void {
    this.#refused++;
    this.#counted++;
    if (this.#named < IMPORT_REFUSALS_NAMED_MAX) {
      this.#named++;
      this.#refusals.push({ line, id: id.slice(0, IMPORT_ID_CHARS_MAX), reason });
    }
    const times = this.#reasons.get(reason);
    if (times === undefined && this.#reasons.size >= IMPORT_REASONS_MAX) return;
    this.#reasons.set(reason, (times ?? 0) + 1);
  }

  /** Whether a report would tell more than the last one. */
  get hasNews(): boolean {
    return this.#counted > this.#reported;
  }

  /**
   * How far it is; the refusals that it names are those since the report before.
   *
   * @param answeredLines All lines up to this one are answered.
   */
  report(done: boolean, answeredLines: number): ImportReport {
    const refusals = this.#refusals;
    this.#reported = this.#counted;
    this.#refusals = [];
    return {
      read: this.#read,
      stored: this.#stored,
      duplicates: this.#duplicates,
      refused: this.#refused,
      reasons: Object.fromEntries(this.#reasons),
      refusals,
      answeredLines,
      done,
    };
  }
}
