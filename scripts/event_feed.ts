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
/** Outcomes that tell nothing of the event: the relay could not store it now. */
const UNCERTAIN = "error:";

/** An event that is not answered. */
interface Waiting {
  readonly line: number;
  readonly settled: (isCertain: boolean) => void;
}

/** An import that is fed event by event. It begins with the first one. */
export class EventFeed {
  readonly #config: Config;
  readonly #address: string;
  readonly #tell: (report: ImportReport) => void;
  readonly #waiting: Waiting[] = [];
  #lines = 0;
  #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  #report: Promise<ImportReport> | null = null;

  /**
   * @param address The URL of the relay that sends the events, which a write plugin is told; empty: they are several.
   * @param tell Hears now and then how far the import is.
   */
  constructor(
    config: Config,
    { address, tell }: { readonly address: string; readonly tell: (report: ImportReport) => void },
  ) {
    this.#config = config;
    this.#address = address;
    this.#tell = tell;
  }

  /** Events that are not answered. */
  get unanswered(): number {
    return this.#waiting.length;
  }

  /** Passes an event on; resolves when the import has taken it, and rejects if the import has failed. */
  async add(text: string): Promise<void> {
    this.#writer ??= this.#begin();
    this.#lines++;
    await Promise.race([this.#writer.write(encoder.encode(oneLine(text))), this.#failed()]);
  }

  /**
   * The same, and tells when the event is answered: true if it is stored, was there, or was refused for what it is.
   * Where the import fails nobody is told.
   */
  async addAndSettle(text: string, settled: (isCertain: boolean) => void): Promise<void> {
    this.#waiting.push({ line: this.#lines + 1, settled });
    await this.add(text);
  }

  /** No event follows. Resolves with what became of all, or null where there was none. */
  async end(): Promise<ImportReport | null> {
    if (this.#writer === null) return null;
    await this.#writer.close().catch(() => {});
    const report = await this.#report!;
    this.#settle(report);
    return report;
  }

  #begin(): WritableStreamDefaultWriter<Uint8Array> {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.#report = importEvents({
      config: this.#config,
      choices: { verify: true, limits: true, address: this.#address },
      lines: readable,
      tell: (report) => {
        this.#settle(report);
        this.#tell(report);
      },
    });
    this.#report.catch(() => {});
    return writable.getWriter();
  }

  #settle({ answeredLines, reasons }: ImportReport): void {
    const isCertain = !Object.keys(reasons).some((reason) => reason.startsWith(UNCERTAIN));
    let answered = 0;
    while (answered < this.#waiting.length && this.#waiting[answered]!.line <= answeredLines) answered++;
    for (const { settled } of this.#waiting.splice(0, answered)) settled(isCertain);
  }

  async #failed(): Promise<never> {
    await this.#report;
    return await new Promise<never>(() => {});
  }
}

/** White space between the parts of an event may hold line ends; its strings cannot. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]/g, " ") + "\n";
}
