/**
 * Control: the local socket in the data directory, through which `deno task import` feeds a running relay.
 * Runs on a worker with an event loop. To verifiers and the store it is one more origin of frames, so that imported
 * events take the clients' path, and live subscribers and the indexer see them.
 *
 * @module
 */
import { IMPORT_LINE_BYTES_MAX } from "../../lib/limits.ts";
import { linesOf } from "../../lib/lines.ts";
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { DEATHS } from "../../lib/queue/fault_injection.ts";
import { type ActorStart, beatByTimer, endWorker, onStart, report } from "../../runtime/actor.ts";
import { Origin } from "../../runtime/origin.ts";
import type { OutcomeRecord } from "../../wire/outcome.ts";
import { Logger } from "../../runtime/logger.ts";
import { originNumber } from "../../wire/actors.ts";
import { bellOf } from "../../wire/memory.ts";
import { controlPath } from "../../runtime/data_paths.ts";
import { ImportSession } from "./import_session.ts";
import { type ControlAnswer, type CrashRequest, writeAnswer } from "../../wire/control_lines.ts";

/** How often an import is told how far it is, ms. */
const REPORT_INTERVAL_MS = 500;
/** The pause before a line is offered again to lanes that were full, ms. */
const FULL_WAIT_MS = 1;
/** Bytes of one read of the socket. */
const READ_BYTES = 64 * 1024;

class Control {
  readonly #start: ActorStart;
  readonly #log: Logger;
  readonly #settings: ConfigFollower;
  readonly #origin: Origin;
  readonly #sessions = new Map<number, ImportSession>();
  #lastSession = 0;

  constructor(start: ActorStart, log: Logger) {
    const { memory, epoch } = start;
    this.#start = start;
    this.#log = log;
    this.#settings = new ConfigFollower(memory.config);
    this.#origin = new Origin(memory, originNumber(memory.counts, "control"), epoch);
  }

  /** Serves until it is asked to stop. */
  async run(listener: Deno.UnixListener): Promise<void> {
    this.#accept(listener);
    const { bell } = this.#origin;
    const answer = (outcome: OutcomeRecord) => this.#answer(outcome);
    while (!bell.stopRequested) {
      const seen = bell.rings;
      bell.crashIfAsked();
      this.#origin.drain(answer);
      await bell.waitAsync(seen);
    }
    listener.close();
  }

  async #accept(listener: Deno.UnixListener): Promise<void> {
    for await (const connection of listener) {
      this.#serve(connection).catch((error) =>
        this.#log.warn(`an import ended early: ${(error as Error).message}`)
      );
    }
  }

  async #serve(connection: Deno.UnixConn): Promise<void> {
    const session = new ImportSession(
      ++this.#lastSession,
      this.#origin,
      (request) => {
        if (request.command === "crash") return this.#crash(request);
        tell({ listeners: this.#start.memory.counts.gateways }).catch(() => {});
        report({ type: "hand-over" });
      },
      () => {
        this.#settings.refresh();
        return this.#settings.config.MAX_MESSAGE_LENGTH;
      },
    );
    this.#sessions.set(session.number, session);
    const { tell, tellIfIdle } = answersTo(connection);
    let isAsked = false;
    const timer = setInterval(() => {
      if (isAsked && session.hasNews) tellIfIdle(() => session.report(false));
    }, REPORT_INTERVAL_MS);
    try {
      const bounds = { bytesMax: IMPORT_LINE_BYTES_MAX, tooLong: () => session.tooLong() };
      for await (const line of linesOf(chunksOf(connection), bounds)) {
        isAsked = true;
        while (!session.offer(line)) await pause();
      }
      while (session.unanswered > 0) await pause();
      // Who only looked whether a relay runs has left, and reads no answer.
      if (isAsked) await tell(session.report(true));
    } catch (error) {
      await tell({ error: (error as Error).message }).catch(() => {});
      throw error;
    } finally {
      clearInterval(timer);
      this.#sessions.delete(session.number);
      connection.close();
    }
  }

  #crash({ actor, index, death = "error" }: CrashRequest): void {
    const bell = bellOf(this.#start.memory, actor, index);
    if (bell === undefined) throw new Error(`Cannot crash worker "${actor} ${index}": there is none`);
    if (!DEATHS.includes(death)) throw new Error(`Cannot crash worker by "${death}": nobody dies of it`);
    new Doorbell(bell).requestCrash(death);
  }

  #answer(outcome: OutcomeRecord): void {
    this.#sessions.get(outcome.connection)?.answer(outcome);
  }
}

/** Writes answers whole and one behind the other; `tellIfIdle` leaves one out while the client reads none. */
function answersTo(connection: Deno.UnixConn) {
  let writing = 0;
  let last: Promise<void> = Promise.resolve();
  const tell = (answer: ControlAnswer): Promise<void> => {
    writing++;
    last = last.then(() => writeAll(connection, writeAnswer(answer))).finally(() => writing--);
    return last;
  };
  const tellIfIdle = (answer: () => ControlAnswer) => {
    // An import that has ended meanwhile is told by its own connection.
    if (writing === 0) tell(answer()).catch(() => {});
  };
  return { tell, tellIfIdle };
}

async function writeAll(connection: Deno.UnixConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** What the client sends until it ends its side. (The connection's own stream would close the answers' side as well.) */
async function* chunksOf(connection: Deno.UnixConn): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  while (true) {
    const chunk = new Uint8Array(READ_BYTES);
    const bytes = await connection.read(chunk);
    if (bytes === null) return;
    yield chunk.subarray(0, bytes);
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, FULL_WAIT_MS));
}

onStart(async (start) => {
  const path = controlPath(start.config.DATA_DIR);
  // Left behind by a process that was killed; the lock on the directory says that no relay uses it.
  await Deno.remove(path).catch(() => {});
  const listener = Deno.listen({ transport: "unix", path });
  await Deno.chmod(path, 0o600);
  beatByTimer(start);
  const control = new Control(start, new Logger("control", start.memory.logLevel));
  report({ type: "ready", facts: {} });
  await control.run(listener);
  await Deno.remove(path).catch(() => {});
  report({ type: "stopped" });
  endWorker();
});
