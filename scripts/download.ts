/**
 * Writes the stored events of another relay as JSONL to standard output, newest first:
 * `deno task download wss://… [--filter JSON] [--range 7d-1d]`.
 *
 * The command goes on page by page until the relay has no more, whatever its limit is. Nothing is verified: an import does
 * that. With RELAY_SECRET_KEY set it authenticates where the relay asks for it.
 *
 *   --filter JSON     a filter of NIP-01; its `limit` counts, and there is none by default
 *   --range S-E       from this age to that one: 2M- is the last two months, 1Y-3w from a year to three weeks ago;
 *                     units s, m, h, d, w, M, Y
 *
 * What it says goes to standard error. Exit code 0: the relay has sent all; 1: it could not; 130: stopped by Ctrl-C.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Settle } from "../lib/upstream/batch.ts";
import { readSettings } from "../runtime/settings_file.ts";
import { runCommand, say } from "./command.ts";
import { EXIT_INTERRUPTED, onInterrupt, stoppedBy } from "./interrupt.ts";
import { connectTo, relayUrl, wantedOf } from "./named_relay.ts";
import { Progress } from "./progress.ts";
import { fetchStored } from "./stored_pages.ts";

/** Writes lines to standard output, and says of each when it is written. */
class LineOutput {
  readonly #writer = Deno.stdout.writable.getWriter();
  readonly #encoder = new TextEncoder();
  readonly #broken = Promise.withResolvers<never>();
  #last: Promise<void> = Promise.resolve();

  /** Rejects when nobody reads standard output any more. */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  write(text: string, settle: Settle): void {
    this.#last = this.#writer.write(this.#encoder.encode(text + "\n")).then(() => settle(true), () => {
      this.#broken.reject(new Error("Cannot write to standard output: nobody reads it"));
      settle(false);
    });
  }

  /** Resolves when all lines are written. */
  async flush(): Promise<void> {
    await Promise.race([this.#last, this.#broken.promise]);
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: { filter: { type: "string" }, range: { type: "string" } },
  });
  const url = relayUrl(positionals);
  const wanted = wantedOf(values.filter, values.range);
  const config = await readSettings(".env", Deno.env.toObject());
  const stop = onInterrupt();
  const opened = await connectTo(url, config, { signal: stop });
  const progress = new Progress(Number.isFinite(wanted.limit) ? wanted.limit : null);
  const output = new LineOutput();
  let written = 0;
  const fetching = fetchStored(opened.conversation, wanted, (text, settle) => {
    output.write(text, settle);
    progress.tell(++written, `received ${written} events`);
  });
  const outcome = await Promise.race([fetching, output.broken, stoppedBy(stop)]).finally(async () => {
    progress.end();
    await output.flush();
  });
  await opened.close();
  say(`received ${written} events`);
  if (outcome === null) return EXIT_INTERRUPTED;
  if (outcome.overfullSeconds > 0) {
    say(`${outcome.overfullSeconds} seconds may hold more events than the relay shows for one filter`);
  }
  return 0;
}

if (import.meta.main) await runCommand(import.meta.url, main);
