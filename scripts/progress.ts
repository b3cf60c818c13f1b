/**
 * How far a command is, on standard error: a bar on a terminal, lines elsewhere.
 * Runs in the process of a command.
 *
 * @module
 */
import process from "node:process";
import { fstatSync } from "node:fs";
// @ts-types="@types/cli-progress"
import cliProgress from "cli-progress";
import { say } from "./command.ts";

const LINE_INTERVAL_MS = 1_000;
const FRAMES_PER_SECOND = 5;

/** See the module's text. */
export class Progress {
  readonly #bars: cliProgress.MultiBar | null;
  readonly #bar: cliProgress.SingleBar | null;
  #toldMs = performance.now();

  /** @param total What is to be done, in the unit of `tell`; null where nobody knows. */
  constructor(total: number | null) {
    this.#bars = Deno.stderr.isTerminal()
      ? new cliProgress.MultiBar({
        stream: process.stderr,
        fps: FRAMES_PER_SECOND,
        hideCursor: true,
        clearOnComplete: true,
        format: total === null ? " {text}" : " {bar} {percentage} %  {text}  {eta_formatted} left",
      }, cliProgress.Presets.shades_classic)
      : null;
    this.#bar = this.#bars?.create(total ?? 1, 0, { text: "" }) ?? null;
  }

  /**
   * Tells how far it is; without a terminal at most once a second.
   *
   * @param done Of the total.
   */
  tell(done: number, text: string): void {
    if (this.#bar !== null) return this.#bar.update(done, { text });
    if (performance.now() - this.#toldMs < LINE_INTERVAL_MS) return;
    this.#toldMs = performance.now();
    say(text);
  }

  /** Says a line that stays. */
  say(line: string): void {
    if (this.#bars !== null) this.#bars.log(`${line}\n`);
    else say(line);
  }

  /** Takes the bar away. */
  end(): void {
    this.#bars?.stop();
  }
}

/** Bytes of standard input where it is a file, else null. */
export function standardInputBytes(): number | null {
  const stat = fstatSync(0);
  return stat.isFile() ? stat.size : null;
}
