/**
 * One import on the control socket: its lines become frames like any client's, its outcomes are counted.
 * Control's thread owns it. Where a gateway would refuse because lanes are full, an import waits.
 *
 * @module
 */
import type { Origin } from "../../runtime/origin.ts";
import { FRAME_BYTES_MAX } from "../../lib/limits.ts";
import { hasMoreBytesThan } from "../../lib/nostr/characters.ts";
import { FRAME_ANY_SIZE, FRAME_TRUSTED, type Sender } from "../../wire/frame.ts";
import type { OutcomeRecord } from "../../wire/outcome.ts";
import { ImportTally, tooLongFor } from "../../runtime/import_tally.ts";
import {
  type ControlRequest,
  type ImportReport,
  type ImportRequest,
  readRequest,
} from "../../wire/control_lines.ts";

/** See the module's text. */
export class ImportSession implements Sender {
  unanswered = 0;
  readonly source = "import";
  readonly address = "";
  readonly keys = new Uint8Array(0);
  #request: ImportRequest | null = null;
  readonly #tally = new ImportTally();

  constructor(
    readonly number: number,
    readonly origin: Origin,
    readonly control: (request: ControlRequest) => void,
    /** Bytes of the longest message that clients may send, now. */
    readonly messageBytesMax: () => number,
  ) {}

  /** Offers one line. Returns false if there is no room now: offer it again. Throws on a first line that is no request. */
  offer(line: string): boolean {
    if (this.#request === null) {
      const request = readRequest(line);
      if (request.command === "import") this.#request = request;
      else this.control(request);
      return true;
    }
    if (line.trim() === "") return true;
    if (line.length > FRAME_BYTES_MAX) {
      this.tooLong();
      return true;
    }
    const text = `["EVENT",${line}]`;
    const bytesMax = this.messageBytesMax();
    if (this.#request.limits && hasMoreBytesThan(text, bytesMax)) {
      this.#tally.read();
      this.#tally.refused(tooLongFor(bytesMax));
      return true;
    }
    const flags = (this.#request.verify ? 0 : FRAME_TRUSTED) | (this.#request.limits ? 0 : FRAME_ANY_SIZE);
    if (this.origin.send(this, text, flags) !== null) return false;
    this.#tally.read();
    return true;
  }

  /** Counts a line that is too long for a frame; it may be too long to be read at all. */
  tooLong(): void {
    this.#tally.read();
    this.#tally.refused(`invalid: a line is longer than ${FRAME_BYTES_MAX} characters`);
  }

  /** Counts what became of one line. */
  answer({ accepted, message }: OutcomeRecord): void {
    this.unanswered = Math.max(0, this.unanswered - 1);
    if (accepted && message === "") this.#tally.stored();
    else if (accepted || message.startsWith("duplicate:")) this.#tally.duplicate();
    else this.#tally.refused(message);
  }

  report(done: boolean): ImportReport {
    return this.#tally.report(done);
  }
}
