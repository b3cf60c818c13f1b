/**
 * The log: one line a message on standard error, `time level actor: message`.
 * Each thread has its own; lines are short enough to be written whole.
 *
 * @module
 */

import { LOG_LEVELS, type LogLevel } from "../wire/log_level.ts";

/**
 * A text as one line: control characters and line separators are written as escapes, so that no text can forge a line of
 * the log or speak to the terminal that shows it.
 */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    const known = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
    return known ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Writes what is at or above the configured level. Text from clients cannot forge lines. */
export class Logger {
  readonly #actor: string;
  readonly #least: Int32Array;

  /** `level` is of `wire/log_level.ts`. */
  constructor(actor: string, level: SharedArrayBuffer) {
    this.#actor = actor;
    this.#least = new Int32Array(level);
  }

  debug(message: string): void {
    this.#write("debug", message);
  }
  info(message: string): void {
    this.#write("info", message);
  }
  warn(message: string): void {
    this.#write("warn", message);
  }
  error(message: string): void {
    this.#write("error", message);
  }

  #write(level: LogLevel, message: string): void {
    if (LOG_LEVELS.indexOf(level) < Atomics.load(this.#least, 0)) return;
    const line = `${new Date().toISOString()} ${level} ${this.#actor}: ${oneLine(message)}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(line));
  }
}
