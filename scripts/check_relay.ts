/**
 * Tries a relay from outside, rule by rule: `deno task check-relay wss://… [options]`.
 *
 *   --nips 1,11,…      only the rules of these NIPs, also where the relay does not list them
 *   --json             one JSON document instead of lines
 *   --verbose          what was seen at every rule, not only where it failed
 *   --key HEX          the secret key of an admin of the relay, for NIP-86; it bans one fresh key and lifts the ban
 *   --relay-url URL    what the relay is called, where that is not the URL it is reached by (NIP-42, NIP-62)
 *   --start "COMMAND"  starts the relay (which listens at the URL), and kills and restarts it for the rules of durability
 *   --timeout MS       the longest wait for an answer, 5000 by default
 *
 * Ends with 0, with 1 if a required rule failed, with 2 if the relay cannot be reached or the arguments are wrong.
 * Keys are fresh and tags are unique, so that other traffic does not matter; what it publishes stays on the relay.
 *
 * Runs in a process of its own.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the command's output
import { parseArgs } from "node:util";
import { answerHelp, endIfMisused, UsageError } from "./command.ts";
import { ANSWER_MS_DEFAULT } from "../check_relay/bounds.ts";
import { accepts, endOnInterrupt, RelayProcess } from "../check_relay/relay_process.ts";
import { documentOf, lineOf, summaryOf, tallyOf } from "../check_relay/report.ts";
import type { Result } from "../check_relay/rule.ts";
import { RULES } from "../check_relay/rules/all.ts";
import { tryRules } from "../check_relay/run.ts";
import { keyOf } from "../check_relay/signer.ts";
import { Subject, type SubjectOptions } from "../check_relay/subject.ts";

interface Arguments extends SubjectOptions {
  readonly nips: ReadonlySet<number> | null;
  readonly command: string | undefined;
  readonly isJson: boolean;
  readonly isVerbose: boolean;
}

/**
 * Reads the command line.
 *
 * @throws {UsageError} if it makes no sense; the message says why.
 */
export function readArguments(args: readonly string[]): Arguments {
  const options = {
    nips: { type: "string" },
    json: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    key: { type: "string" },
    "relay-url": { type: "string" },
    start: { type: "string" },
    timeout: { type: "string" },
  } as const;
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const url = positionals[0] ?? "";
  if (positionals.length !== 1 || !/^wss?:\/\/./.test(url) || !URL.canParse(url)) {
    throw new UsageError(`Cannot check relay "${positionals.join(" ")}": one URL is wanted, ws:// or wss://`);
  }
  if (values.key !== undefined && !/^[0-9a-f]{64}$/.test(values.key)) {
    throw new UsageError("Cannot use key: it is not 64 lower-case hex characters");
  }
  const answerMs = Number(values.timeout ?? ANSWER_MS_DEFAULT);
  if (!(answerMs >= 100)) throw new UsageError(`Cannot wait "${values.timeout}": at least 100 ms are wanted`);
  const nips = values.nips === undefined ? null : new Set(values.nips.split(",").map(Number));
  if (nips?.has(NaN)) {
    throw new UsageError(`Cannot read NIPs "${values.nips}": numbers with commas are wanted`);
  }
  return {
    url,
    nips,
    answerMs,
    command: values.start,
    isJson: values.json,
    isVerbose: values.verbose,
    ...(nips === null ? {} : { forced: nips }),
    ...(values.key === undefined ? {} : { adminKey: keyOf(Uint8Array.fromHex(values.key)) }),
    ...(values["relay-url"] === undefined ? {} : { relayUrl: values["relay-url"] }),
  };
}

async function main(args: Arguments): Promise<number> {
  const process = args.command === undefined
    ? undefined
    : new RelayProcess({ command: args.command, url: args.url });
  try {
    await process?.start();
    if (!await accepts(args.url, args.answerMs)) {
      console.error(`Cannot reach relay "${args.url}": it accepts no WebSocket`);
      return 2;
    }
    const relay = await Subject.meet({ ...args, ...(process === undefined ? {} : { process }) });
    const results: Result[] = [];
    for await (const result of tryRules(relay, RULES.filter(({ nip }) => args.nips?.has(nip) ?? true))) {
      results.push(result);
      if (!args.isJson) console.log(lineOf(result, args.isVerbose));
    }
    console.log(args.isJson ? JSON.stringify(documentOf(args.url, results), null, 2) : summaryOf(results));
    return tallyOf(results).failedRequired > 0 ? 1 : 0;
  } finally {
    await process?.stop();
  }
}

if (import.meta.main) {
  await answerHelp(import.meta.url);
  let args: Arguments;
  try {
    args = readArguments(Deno.args);
  } catch (error) {
    await endIfMisused(import.meta.url, error);
    throw error;
  }
  endOnInterrupt();
  try {
    Deno.exit(await main(args));
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(2);
  }
}
