/**
 * Sluice against other relays: `deno task bench peers [--peers NAME,…] [--rounds R] [--events N] [--seconds T]
 * [--idle N] [--only PREFIX,…] [--data DIR] [--out DIR] [--seed S]`. Relays that cannot run here are named and left
 * out. Writes `peers.json`, `peers.md` and the plots `peers-*.svg` into `bench/results/`; `--report FILE` only draws
 * them again. Runs in a process of its own.
 *
 * @module
 */
import { corpus } from "./corpus.ts";
import { readFlags } from "./flags.ts";
import { printProgress } from "./output.ts";
import { peerNamed, PEERS } from "./peers/all.ts";
import { compare } from "./peers/comparison.ts";
import { PLOTS } from "./peers/panels.ts";
import type { Peer } from "./peers/peer.ts";
import { draw } from "./peers/plots.ts";
import { report } from "./peers/report.ts";
import { describeMachine, type Results } from "./peers/results.ts";
import { eventsNeeded } from "./peers/steps.ts";
import { summarize } from "./peers/summary.ts";

const RESULTS = new URL("./results", import.meta.url).pathname;
const DATA = new URL("./cache/data", import.meta.url).pathname;

/** Runs the comparison, or draws an earlier one. */
export async function main(words: readonly string[]): Promise<void> {
  const { out, report, peers: names, rounds, seed, only, data: dataRoot, ...effort } = readFlags(words, {
    out: RESULTS,
    report: "",
    peers: PEERS.map(({ name }) => name),
    rounds: 3,
    seed: 1,
    only: [],
    data: DATA,
    events: 50_000,
    seconds: 2,
    idle: 5_000,
  });
  if (report !== "") return await write(JSON.parse(await Deno.readTextFile(report)) as Results, out);
  const wanted = names.map(peerNamed);

  const { peers, facts, absent } = await find(wanted);
  const file = await corpus(eventsNeeded(effort), seed);
  const about = {
    at: new Date().toISOString(),
    machine: await describeMachine(dataRoot),
    rounds,
    seed,
    effort,
  };
  const results = { ...about, peers: facts, absent };
  // A run takes long: what is measured is on disk after each turn.
  await compare(
    { peers, rounds, dataRoot, file, effort, only },
    (measurements) => write({ ...results, measurements }, out),
  );
}

/** The peers that can run here, in their order, and why the others cannot. */
async function find(
  wanted: readonly Peer[],
): Promise<Pick<Results, "absent"> & { peers: Peer[]; facts: Results["peers"] }> {
  const peers: Peer[] = [];
  const facts = [];
  const absent = [];
  for (const peer of wanted) {
    const { name, note } = peer;
    try {
      facts.push({ name, version: await peer.version(), note });
      peers.push(peer);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      absent.push({ name, why });
      await printProgress(`without ${name}: ${why}`);
    }
  }
  if (peers.length === 0) throw new Error("Cannot compare peers: none can run here");
  return { peers, facts, absent };
}

async function write(results: Results, out: string): Promise<void> {
  await Deno.mkdir(out, { recursive: true });
  const summaries = summarize(results.measurements);
  const names = results.peers.map(({ name }) => name);
  await Deno.writeTextFile(`${out}/peers.json`, JSON.stringify(results, null, 1) + "\n");
  await Deno.writeTextFile(`${out}/peers.md`, report(results, summaries));
  for (const plot of PLOTS) {
    await Deno.writeTextFile(`${out}/peers-${plot.name}.svg`, await draw(plot, summaries, names));
  }
}
