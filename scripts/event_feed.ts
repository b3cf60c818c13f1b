/**
 * Events that a command has received, on their way into the store.
 * Runs in the process of a command.
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";
import type { ImportReport } from "../wire/control_lines.ts";
import { importEvents } from "./event_intake.ts";

const encoder = new TextEncoder();

/** An import that is fed event by event. It begins with the first one. */
export class EventFeed {
  readonly #config: Config;
  readonly #tell: (report: ImportReport) => void;
  #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  #report: Promise<ImportReport> | null = null;

  /** @param tell Hears now and then how far the import is. */
  constructor(config: Config, tell: (report: ImportReport) => void) {
    this.#config = config;
    this.#tell = tell;
  }

  /** Passes an event on; resolves when the import has taken it, and rejects if the import has failed. */
  async add(text: string): Promise<void> {
    this.#writer ??= this.#begin();
    await Promise.race([this.#writer.write(encoder.encode(text + "\n")), this.#failed()]);
  }

  /** No event follows. Resolves with what became of all, or null where there was none. */
  async end(): Promise<ImportReport | null> {
    if (this.#writer === null) return null;
    await this.#writer.close().catch(() => {});
    return await this.#report;
  }

  #begin(): WritableStreamDefaultWriter<Uint8Array> {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.#report = importEvents({
      config: this.#config,
      choices: { verify: true, limits: true },
      lines: readable,
      tell: this.#tell,
    });
    this.#report.catch(() => {});
    return writable.getWriter();
  }

  async #failed(): Promise<never> {
    await this.#report;
    return await new Promise<never>(() => {});
  }
}
