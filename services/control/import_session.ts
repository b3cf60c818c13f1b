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
import type { Source } from "../../wire/source.ts";
import type { OutcomeRecord } from "../../wire/outcome.ts";
import { ImportTally, statedId, tooLongFor } from "../../runtime/import_tally.ts";
import { LinesUnderWay } from "./lines_under_way.ts";
import {
  type ControlRequest,
  type ImportReport,
  type ImportRequest,
  readRequest,
} from "../../wire/control_lines.ts";

/** See the module's text. */
export class ImportSession implements Sender {
  unanswered = 0;
  readonly keys = new Uint8Array(0);
  #request: ImportRequest | null = null;
  readonly #tally = new ImportTally();
  readonly #underWay = new LinesUnderWay();
  /** Lines that were taken, blank ones and those that were too long included; the request is none. */
  #lines = 0;

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
    if (line.trim() === "") {
      this.#lines++;
      return true;
    }
    if (line.length > FRAME_BYTES_MAX) {
      this.tooLong();
      return true;
    }
    const text = `["EVENT",${line}]`;
    const bytesMax = this.messageBytesMax();
    if (this.#request.limits && hasMoreBytesThan(text, bytesMax)) {
      this.#tally.read();
      this.#tally.refused(tooLongFor(bytesMax), ++this.#lines, statedId(line));
      return true;
    }
    const flags = (this.#request.verify ? 0 : FRAME_TRUSTED) | (this.#request.limits ? 0 : FRAME_ANY_SIZE);
    if (this.origin.send(this, text, flags) !== null) return false;
    this.#tally.read();
    this.#underWay.add(statedId(line), ++this.#lines);
    return true;
  }

  /** Counts a line that is too long for a frame; it may be too long to be read at all. */
  tooLong(): void {
    this.#tally.read();
    this.#tally.refused(`invalid: a line is longer than ${FRAME_BYTES_MAX} characters`, ++this.#lines, "");
  }

  /** Counts what became of one line. */
  answer(outcome: OutcomeRecord): void {
    const { accepted, message, hasId } = outcome;
    this.unanswered = Math.max(0, this.unanswered - 1);
    const stated = hasId ? outcome.id : "";
    const line = this.#underWay.take(stated);
    if (this.unanswered === 0) this.#underWay.clear();
    if (accepted && message === "") this.#tally.stored();
    else if (accepted || message.startsWith("duplicate:")) this.#tally.duplicate();
    else this.#tally.refused(hasId ? message : reasonIn(message), line, stated);
  }

  get source(): Source {
    return this.address === "" ? "import" : "upstream";
  }

  get address(): string {
    return this.#request?.address ?? "";
  }

  /** Whether a report would tell more than the last one. */
  get hasNews(): boolean {
    return this.#tally.hasNews;
  }

  report(done: boolean): ImportReport {
    const unanswered = this.#underWay.first;
    return this.#tally.report(done, unanswered === null ? this.#lines : unanswered - 1);
  }
}

/** The reason in a whole answer: of a NOTICE, or of an OK for an id that is none. */
function reasonIn(answer: string): string {
  const message: unknown = JSON.parse(answer);
  const reason = Array.isArray(message) ? message.at(-1) : null;
  return typeof reason === "string" ? reason : answer;
}
