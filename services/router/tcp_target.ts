/**
 * A target that gets events over a TCP connection of the router's, one a line: `{"seq":N,"event":{…}}`. It may acknowledge
 * by lines `{"ack":N}`: then it has what it has acknowledged, and what it has not comes again after a broken connection.
 * Of a target that acknowledges nothing it is only known what the kernel took, so that the last of it comes again
 * (`lib/forward/sent_trail.ts`). Either way every event comes at least once, in order from where the connection begins.
 * Runs on the router's thread, which owns it; its cursor is durable (`places.ts`).
 *
 * @module
 */
import { lineOf } from "../../lib/forward/consumer_request.ts";
import type { LogPlace } from "../../lib/forward/log_window.ts";
import { SentTrail } from "../../lib/forward/sent_trail.ts";
import {
  FORWARD_ACK_BYTES_MAX,
  FORWARD_ANSWER_MS_MAX,
  FORWARD_STALLED_MS_MAX,
  FORWARD_TCP_UNACKED_MAX,
  FORWARD_WRITE_CHARS_MAX,
  FORWARD_WRITE_EVENTS_MAX,
} from "../../lib/limits.ts";
import { linesOf } from "../../lib/lines.ts";
import type { LogFeed } from "./log_feed.ts";
import type { Places } from "./places.ts";
import { type StateParts, TargetState } from "./target_state.ts";
import { chunksOf, closeQuietly, writeLines } from "./tcp_stream.ts";

const BOUNDS = { events: FORWARD_WRITE_EVENTS_MAX, chars: FORWARD_WRITE_CHARS_MAX };

/** What it works with. */
interface TcpTargetParts extends StateParts {
  readonly feed: LogFeed;
  readonly places: Places;
}

/** See the module's text. */
export class TcpTarget {
  readonly #address: { readonly hostname: string; readonly port: number };
  readonly #name: string;
  readonly #parts: TcpTargetParts;
  readonly #state: TargetState;
  /** The last entry that it has for certain. */
  #taken: number;
  #storedSeq: number;
  #acknowledges: boolean;
  /** The connection that is open. */
  #session: Session | null = null;

  /** @throws {SyntaxError} if `text` is no `host:port`. */
  constructor(text: string, parts: TcpTargetParts) {
    const { places, feed } = parts;
    this.#address = readAddress(text);
    this.#name = `tcp ${text}`;
    this.#parts = parts;
    this.#state = new TargetState("tcp", text, parts);
    this.#taken = this.#storedSeq = places.begin(this.#name, feed.endSeq);
    this.#acknowledges = places.acknowledges(this.#name);
  }

  /** The last entry that it has for certain. */
  get seq(): number {
    return this.#taken;
  }

  /** Events that were written and not acknowledged, if it acknowledges. */
  get waiting(): number {
    return this.#state.waiting = this.#session?.unacknowledged ?? 0;
  }

  /** As `GET /api/forward` shows it. */
  get report() {
    return { ...this.#state.report, is_connected: this.#session !== null, acknowledges: this.#acknowledges };
  }

  /** Delivers until the router stops. */
  async run(): Promise<void> {
    const { feed, stop } = this.#parts;
    while (!feed.isClosed) {
      try {
        const signal = AbortSignal.any([stop, AbortSignal.timeout(FORWARD_ANSWER_MS_MAX)]);
        const connection = await Deno.connect({ ...this.#address, signal });
        await this.#serve(connection);
      } catch (error) {
        if (!feed.isClosed) await this.#state.failed((error as Error).message);
      }
    }
    this.store();
  }

  /** Stores how far it is. */
  store(): void {
    this.#settle();
    if (this.#taken <= this.#storedSeq) return;
    this.#parts.places.taken(this.#name, this.#storedSeq = this.#taken);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    connection.setKeepAlive(true);
    connection.setNoDelay(true);
    const session = this.#session = new Session(connection, this.#taken, this.#acknowledges);
    const end = () => session.end();
    this.#parts.stop.addEventListener("abort", end);
    const reading = this.#readAcknowledgements(session);
    try {
      await this.#write(session);
    } catch (error) {
      session.fault ??= error as Error;
    }
    this.#settle();
    this.#parts.stop.removeEventListener("abort", end);
    session.end();
    await reading;
    this.#session = null;
    throw session.fault!;
  }

  async #write(session: Session): Promise<void> {
    const { feed } = this.#parts;
    let place: LogPlace = { seq: this.#taken, place: null };
    while (!feed.isClosed && !session.ended.aborted) {
      if (!await session.hasRoom()) return;
      const read = feed.read(place, BOUNDS);
      place = read.after;
      if (read.events.length > 0) {
        const bytes = await writeLines(session.connection, read.events.map(lineOf));
        session.wrote(read.events.map(({ seq }) => seq), bytes);
        this.#state.delivered(read.events.length);
      } else if (!read.isEnd) await feed.turn();
      else {
        // What was not for it is passed over with what it has.
        session.passed(place.seq);
        await feed.more(place, session.ended);
      }
    }
  }

  async #readAcknowledgements(session: Session): Promise<void> {
    try {
      const lines = linesOf(chunksOf(session.connection), { bytesMax: FORWARD_ACK_BYTES_MAX });
      for await (const line of lines) {
        session.acknowledge(readAcknowledgement(line));
        if (!this.#acknowledges) this.#parts.places.hasAcknowledged(this.#name);
        this.#acknowledges = true;
      }
      session.fault ??= new Error("it has closed the connection");
    } catch (error) {
      session.fault ??= error as Error;
    }
    session.end();
  }

  #settle(): void {
    const session = this.#session;
    if (session !== null) this.#taken = Math.max(this.#taken, session.taken);
  }
}

/** One connection to a target. */
class Session {
  readonly #trail: SentTrail;
  readonly #end = new AbortController();
  #acknowledges: boolean;
  #acknowledged: number;
  /** Seqs that were written since it began to acknowledge, and were not acknowledged. */
  readonly #sent: number[] = [];
  /** The last that was written before it began to acknowledge: it is not known which of them it has. */
  #writtenBefore: number;
  #lastSeq: number;
  #wake: () => void = () => {};
  /** Why it ended. */
  fault: Error | null = null;

  constructor(readonly connection: Deno.TcpConn, taken: number, acknowledges: boolean) {
    this.#trail = new SentTrail(taken);
    this.#acknowledged = this.#lastSeq = this.#writtenBefore = taken;
    this.#acknowledges = acknowledges;
  }

  /** Aborted when it has ended. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  get unacknowledged(): number {
    return this.#acknowledges ? this.#sent.length : 0;
  }

  /** The last entry that the target has for certain. */
  get taken(): number {
    return this.#acknowledges ? this.#acknowledged : this.#trail.taken(performance.now());
  }

  wrote(seqs: readonly number[], bytes: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seqs.at(-1)!);
    if (this.#acknowledges) this.#sent.push(...seqs);
    else this.#writtenBefore = this.#lastSeq;
    this.#trail.wrote(this.#lastSeq, bytes, performance.now());
  }

  /** Entries up to this one are not for the target, beside what was written. */
  passed(seq: number): void {
    if (seq <= this.#lastSeq) return;
    this.#lastSeq = seq;
    if (this.#acknowledges) {
      if (this.#sent.length === 0 && this.#acknowledged >= this.#writtenBefore) this.#acknowledged = seq;
    } else this.#trail.wrote(seq, 0, performance.now());
  }

  /** @throws {RangeError} if it was not sent. */
  acknowledge(seq: number): void {
    if (seq > this.#lastSeq) throw new RangeError(`it acknowledged entry ${seq}, which it was not sent`);
    this.#acknowledges = true;
    this.#acknowledged = Math.max(this.#acknowledged, seq);
    let left = 0;
    while (left < this.#sent.length && this.#sent[left]! <= seq) left++;
    this.#sent.splice(0, left);
    this.#wake();
  }

  /** Waits while too much is not acknowledged. Returns false if it has ended. */
  async hasRoom(): Promise<boolean> {
    while (!this.ended.aborted && this.unacknowledged >= FORWARD_TCP_UNACKED_MAX) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(() => {
        this.fault ??= new Error(`it has acknowledged nothing for ${FORWARD_STALLED_MS_MAX} ms`);
        this.end();
      }, FORWARD_STALLED_MS_MAX);
      await promise;
      clearTimeout(timer);
    }
    return !this.ended.aborted;
  }

  end(): void {
    if (this.ended.aborted) return;
    this.#end.abort();
    this.#wake();
    closeQuietly(this.connection);
  }
}

function readAddress(text: string): { hostname: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) {
    throw new SyntaxError(`Cannot read FORWARD_TCP "${text}": host:port is allowed`);
  }
  return { hostname: match[1] ?? match[2]!, port };
}

function readAcknowledgement(line: string): number {
  let ack: unknown;
  try {
    ack = JSON.parse(line)?.ack;
  } catch {
    // Falls through.
  }
  if (Number.isSafeInteger(ack)) return ack as number;
  throw new SyntaxError(`it sent a line that is no {"ack":N}`);
}
