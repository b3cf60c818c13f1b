/**
 * Sends events as JSONL from standard input to another relay: `deno task upload wss://… [--pipeline 50] < events.jsonl`.
 *
 * The input may be packed by gzip, or a live pipe. The command waits for the relay's answer to each event, slows down where
 * the relay says `rate-limited:`, and authenticates where it is asked to and RELAY_SECRET_KEY is set.
 *
 *   --pipeline N      events without an answer at one time: 50 by default, 64 at most
 *
 * What it says goes to standard error, with each event that the relay refused. Exit code 0: the relay has accepted all, or
 * had them; 3: it refused some; 1: it could not go on; 130: stopped by Ctrl-C.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { IMPORT_LINE_BYTES_MAX, UPSTREAM_UNANSWERED_MAX } from "../lib/limits.ts";
import { linesOf } from "../lib/lines.ts";
import { readSettings } from "../runtime/settings_file.ts";
import type { RelayConversation } from "../lib/upstream/relay_conversation.ts";
import { numberOf, runCommand, say, UsageError } from "./command.ts";
import { eventLines } from "./event_lines.ts";
import { EXIT_INTERRUPTED, linesUntil, onInterrupt } from "./interrupt.ts";
import { connectTo, relayUrl } from "./named_relay.ts";
import { Progress } from "./progress.ts";

const PIPELINE_DEFAULT = 50;
const HEX_ID = /^[0-9a-f]{64}$/;

/** Sends lines and counts the answers. */
class Upload {
  sent = 0;
  accepted = 0;
  refused = 0;
  readonly #conversation: RelayConversation;
  readonly #pipeline: number;
  readonly #progress: Progress;
  readonly #underWay = new Set<Promise<void>>();
  #failure: Error | null = null;
  #line = 0;

  constructor(conversation: RelayConversation, pipeline: number, progress: Progress) {
    this.#conversation = conversation;
    this.#pipeline = pipeline;
    this.#progress = progress;
  }

  /** Sends a line, as soon as fewer than the pipeline holds are unanswered. Throws if the connection has ended. */
  async send(line: string): Promise<void> {
    this.#line++;
    if (line.trim() === "") return;
    const id = idOfLine(line);
    if (id === null) return this.#refuse(`line ${this.#line}: it is not an event as JSON`);
    while (this.#underWay.size >= this.#pipeline) await Promise.race(this.#underWay);
    if (this.#failure !== null) throw this.#failure;
    const answered = this.#publish(line, id);
    this.#underWay.add(answered);
    answered.finally(() => this.#underWay.delete(answered));
  }

  /** Counts a line that is too long for any message. */
  tooLong(): void {
    this.#refuse(`line ${++this.#line}: it is longer than ${IMPORT_LINE_BYTES_MAX} bytes`);
  }

  /** Waits for all answers. Throws if the connection ends before. */
  async end(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failure !== null) throw this.#failure;
  }

  get summary(): string {
    return `Sent ${this.sent} events, ${this.accepted} accepted`;
  }

  async #publish(line: string, id: string): Promise<void> {
    try {
      const { accepted, message } = await this.#conversation.publish(line, id);
      this.sent++;
      if (accepted || message.startsWith("duplicate:")) this.accepted++;
      else this.#refuse(`Event not written: ${JSON.stringify(["OK", id, false, message])}`);
    } catch (error) {
      this.#failure ??= error as Error;
    }
    this.#progress.tell(this.sent, this.summary);
  }

  #refuse(line: string): void {
    this.refused++;
    this.#progress.say(line);
  }
}

/** The id of an event, or null if the line is none. */
function idOfLine(line: string): string | null {
  try {
    const { id } = JSON.parse(line) as { id?: unknown };
    return typeof id === "string" && HEX_ID.test(id) ? id : null;
  } catch {
    return null;
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: { pipeline: { type: "string" } },
  });
  const url = relayUrl(positionals);
  const pipeline = numberOf("pipeline", values.pipeline, PIPELINE_DEFAULT);
  if (pipeline < 1 || pipeline > UPSTREAM_UNANSWERED_MAX) {
    throw new UsageError(
      `Cannot use --pipeline "${pipeline}": it is between 1 and ${UPSTREAM_UNANSWERED_MAX}`,
    );
  }
  const config = await readSettings(".env", Deno.env.toObject());
  const stop = onInterrupt();
  const opened = await connectTo(url, config, { signal: stop });
  const progress = new Progress(null);
  const upload = new Upload(opened.conversation, pipeline, progress);
  const bounds = { bytesMax: IMPORT_LINE_BYTES_MAX, tooLong: () => upload.tooLong() };
  try {
    const input = linesUntil(stop, eventLines(Deno.stdin.readable));
    for await (const line of linesOf(input, bounds)) await upload.send(line);
    await upload.end();
  } finally {
    progress.end();
    say(upload.summary);
  }
  await opened.close();
  if (stop.aborted) return EXIT_INTERRUPTED;
  return upload.refused === 0 ? 0 : 3;
}

if (import.meta.main) await runCommand(import.meta.url, main);
