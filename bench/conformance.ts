/**
 * How relays fare with the rules of the relay checker: `deno task conformance [NAME…]`.
 *
 * Starts each named relay (all that can run here by default; `bench/peers/` says what they need) on an empty directory,
 * tries every rule, keeps what was seen in `bench/results/conformance/NAME.json`, and writes conformance.md from all
 * results that are there.
 *
 *   --dir DIR    where the relays' data goes; a temporary directory by default
 *
 * Runs in a process of its own, which owns the relays that it starts.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the command's output
import { parseArgs } from "node:util";
import { ANSWER_MS_DEFAULT } from "../check_relay/bounds.ts";
import { endOnInterrupt, RelayProcess } from "../check_relay/relay_process.ts";
import { lineOf, summaryOf } from "../check_relay/report.ts";
import type { Result } from "../check_relay/rule.ts";
import { RULES } from "../check_relay/rules/all.ts";
import { tryRules } from "../check_relay/run.ts";
import { freshKey } from "../check_relay/signer.ts";
import { Subject } from "../check_relay/subject.ts";
import { type Conformance, conformanceDocument } from "./conformance_document.ts";
import { peerNamed, PEERS } from "./peers/all.ts";
import { freePort, type Peer } from "./peers/peer.ts";

const RESULTS = new URL("./results/conformance/", import.meta.url);
const DOCUMENT = new URL("./results/conformance.md", import.meta.url);

/** NIPs that a relay serves by its own documents and does not list in a document of NIP-11. */
const UNLISTED: Readonly<Record<string, readonly number[]>> = {
  // rust-nostr's README; LocalRelay answers no request for the document.
  "nostr-sdk": [1, 9, 40, 42, 45, 50, 70, 77],
};

/** A word for `sh`. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

async function tryPeer(peer: Peer, dir: string): Promise<Conformance> {
  const version = await peer.version();
  const port = freePort();
  const url = `ws://127.0.0.1:${port}/`;
  const admin = freshKey();
  // What this project's relay is called and who manages it; the others do not read it.
  Deno.env.set("RELAY_URL", url);
  Deno.env.set("RELAY_ADMINS", admin.pubkey);
  const { program, args, env, cwd } = await peer.command(port, dir);
  await using process = new RelayProcess({
    command: `exec ${[program, ...args].map(quoted).join(" ")}`,
    url,
    env: env ?? {},
    ...(cwd === undefined ? {} : { cwd }),
  });
  await process.start();
  const relay = await Subject.meet({
    url,
    answerMs: ANSWER_MS_DEFAULT,
    process,
    forced: new Set(UNLISTED[peer.name] ?? []),
    ...(peer.name.startsWith("sluice") ? { adminKey: admin } : {}),
  });
  const results: Result[] = [];
  for await (const result of tryRules(relay, RULES)) {
    results.push(result);
    if (result.outcome === "fail") console.log(lineOf(result, false));
  }
  console.log(`${peer.name} ${version}: ${summaryOf(results)}`);
  return {
    name: peer.name,
    version,
    note: peer.note,
    date: new Date().toISOString().slice(0, 10),
    results: results.map(({ rule: { id }, outcome, seen }) => ({ id, outcome, seen })),
  };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    options: { dir: { type: "string" } },
    allowPositionals: true,
  });
  const peers = positionals.length > 0 ? positionals.map(peerNamed) : PEERS;
  await Deno.mkdir(RESULTS, { recursive: true });
  for (const peer of peers) {
    const dir = await Deno.makeTempDir({ prefix: "conformance-", ...values.dir ? { dir: values.dir } : {} });
    try {
      const conformance = await tryPeer(peer, dir);
      await Deno.writeTextFile(
        new URL(`${peer.name}.json`, RESULTS),
        JSON.stringify(conformance, null, 1) + "\n",
      );
    } catch (error) {
      if (positionals.length > 0) throw error;
      console.error(`${peer.name} is left out: ${(error as Error).message}`);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  }
  const all: Conformance[] = [];
  for (const { name } of PEERS) {
    const text = await Deno.readTextFile(new URL(`${name}.json`, RESULTS)).catch(() => null);
    if (text !== null) all.push(JSON.parse(text));
  }
  await Deno.writeTextFile(DOCUMENT, conformanceDocument(all));
}

if (import.meta.main) {
  endOnInterrupt();
  await main();
  Deno.exit(0);
}
