/**
 * This tree against another checkout of Sluice: `deno task bench against --tree DIR [--engine serve|ws] [--rounds N]
 * [--events N] [--seconds T] [--steps ingest,ids,…]`, and the flags of `scenario.ts`. Both relays run at once, each on its
 * own data; every step is measured on one and then on the other, and each round begins with the other one, so that a slow
 * minute of the machine falls on both. Prints one line of JSON a step: the medians of both, and their ratios, of which
 * those of CPU say most. Runs in a process of its own.
 *
 * @module
 */
import { resolve } from "node:path";
import { corpus } from "./corpus.ts";
import { drive, type Measured } from "./driver.ts";
import { readFlags } from "./flags.ts";
import { printProgress, printResult } from "./output.ts";
import { type Peer, type RunningRelay, startPeer } from "./peers/peer.ts";
import { untilAtRest } from "./peers/rest.ts";
import { spread } from "./peers/summary.ts";
import { readSetting, SETTING, target, withDataDir } from "./scenario.ts";

const STEPS = ["ingest", "ids", "author", "kind100", "etag", "timeline200", "fanout"] as const;
/** The share of the events that both take before anything is measured. */
const WARM_UP_SHARE = 0.5;
const FANOUT = ["--subscribers", 100, "--subscriptions", 100, "--matching", 100, "--events", 2_000] as const;

interface Run {
  readonly file: string;
  readonly events: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** Runs the scenario. */
export async function main(words: readonly string[]): Promise<void> {
  const defaults = {
    ...SETTING,
    tree: "",
    engine: "serve",
    rounds: 5,
    events: 20_000,
    seconds: 2,
    steps: STEPS,
  };
  const { tree, engine, rounds, events, seconds, steps, ...shared } = readFlags(words, defaults);
  if (tree === "") throw new Error('Cannot compare with "": --tree names the other checkout');
  const setting = readSetting(shared);

  const file = await corpus(events * (rounds + 1), setting.seed);
  const here = new URL("../", import.meta.url).pathname;
  await withDataDir(
    setting.dataRoot,
    "here",
    (hereDir) =>
      withDataDir(setting.dataRoot, "there", async (thereDir) => {
        const relays = [
          await startCheckout(here, engine, hereDir),
          await startCheckout(resolve(tree), engine, thereDir),
        ];
        try {
          await measure(relays, steps, { file, events, seconds, rounds });
        } finally {
          for (const relay of relays) await relay.stop();
        }
      }),
  );
}

/** A checkout, started as its operator starts it. */
function checkout(root: string, engine: string): Peer {
  return {
    name: root,
    note: "",
    version: () => Promise.resolve(root),
    command: (port, dataDir) =>
      Promise.resolve({
        program: Deno.execPath(),
        args: ["run", "--allow-all", "scripts/start.ts"],
        env: { HOST: "127.0.0.1", PORT: `${port}`, DATA_DIR: dataDir, WEBSOCKET_ENGINE: engine },
        cwd: root,
      }),
  };
}

/** Starts a checkout. The process that is measured is the relay itself, not the one that keeps it running. */
async function startCheckout(root: string, engine: string, dataDir: string): Promise<RunningRelay> {
  const relay = await startPeer(checkout(root, engine), dataDir);
  const children = await Deno.readTextFile(`/proc/${relay.pid}/task/${relay.pid}/children`);
  return { ...relay, pid: Number.parseInt(children) };
}

async function measure(relays: readonly RunningRelay[], steps: readonly string[], run: Run): Promise<void> {
  const warmUp = Math.ceil(run.events * WARM_UP_SHARE);
  for (const relay of relays) await drive(ingestArgs(relay, run.file, 0, warmUp));
  const lines = new Map(steps.map((step) => [step, [[], []] as [Measured[], Measured[]]]));
  let stored = warmUp;
  for (let round = 0; round < run.rounds; round++) {
    await printProgress(`round ${round + 1} of ${run.rounds}`);
    for (const step of steps) {
      for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) {
        lines.get(step)![at]!.push(await drive(argsOf(step, relays[at]!, run, stored)));
      }
      if (step !== "ingest") continue;
      stored += run.events;
      // What they index afterwards would be charged to the queries of one of them.
      for (const relay of relays) await untilAtRest(relay.pid);
    }
  }
  for (const [step, [here, there]] of lines) await printResult({ step, ...ratios(here, there) });
}

function ingestArgs(relay: RunningRelay, file: string, skip: number, events: number) {
  const load = ["--connections", 8, "--window", 64, "--skip", skip, "--events", events];
  return ["ingest", ...target(relay), "--file", file, ...load];
}

function argsOf(step: string, relay: RunningRelay, { file, events, seconds }: Run, stored: number) {
  if (step === "ingest") return ingestArgs(relay, file, stored, events);
  if (step === "fanout") return ["fanout", ...target(relay), ...FANOUT, "--window", 512];
  const what = ["--file", file, "--events", stored, "--kind", step];
  return ["query", ...target(relay), ...what, "--connections", 4, "--seconds", seconds];
}

/** Rates and CPU times: here, there, and how many times as much here as there. */
function ratios(here: readonly Measured[], there: readonly Measured[]): Record<string, unknown> {
  const names = Object.keys(here[0]!).filter((name) => /_per_second$|_per_s$|^relay_cpu_us_per_/.test(name));
  const problems = [...here, ...there].reduce((sum, line) => sum + Number(line.problems ?? 0), 0);
  const median = (lines: readonly Measured[], name: string) =>
    spread(lines.map((line) => Number(line[name]))).median;
  const figures = names.map((name) => {
    const [mine, other] = [median(here, name), median(there, name)];
    return [name, { here: mine, there: other, ratio: Number((mine / other).toFixed(3)) }];
  });
  return { ...Object.fromEntries(figures), problems };
}
