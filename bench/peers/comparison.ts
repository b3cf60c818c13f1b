/**
 * Runs every step against every peer, round after round: within a round the peers follow each other, and each round
 * begins with another one, so that a slow minute of the machine does not fall on one peer alone. Runs in the bench's
 * own process.
 *
 * @module
 */
import { printProgress } from "../output.ts";
import { capture, type Peer, startPeer } from "./peer.ts";
import { type Effort, type Step, STEPS, type Trial } from "./steps.ts";
import type { Measurement } from "./summary.ts";

/** What is compared, and how. */
export interface Comparison {
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly dataRoot: string;
  readonly file: string;
  readonly effort: Effort;
  /** Only steps whose names begin with one of these; all when empty. Events are stored all the same. */
  readonly only: readonly string[];
}

/** Measures all rounds; `done` is called after each peer's turn, with everything so far. */
export async function compare(
  comparison: Comparison,
  done: (measurements: readonly Measurement[]) => Promise<void>,
): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (let round = 0; round < comparison.rounds; round++) {
    const { length } = comparison.peers;
    for (let turn = 0; turn < length; turn++) {
      const peer = comparison.peers[(round + turn) % length]!;
      await printProgress(`round ${round + 1} of ${comparison.rounds}: ${peer.name}`);
      await takeTurn(comparison, peer, round, measurements);
      await done(measurements);
    }
  }
  return measurements;
}

/** One peer's turn: an empty directory, all steps, a restart on what was stored. */
async function takeTurn(
  comparison: Comparison,
  peer: Peer,
  round: number,
  measurements: Measurement[],
): Promise<void> {
  const add = (step: string, result: Pick<Measurement, "line" | "error">) => {
    measurements.push({ peer: peer.name, round, step, ...result });
  };
  await Deno.mkdir(comparison.dataRoot, { recursive: true });
  const dataDir = await Deno.makeTempDir({ dir: comparison.dataRoot, prefix: `${peer.name}-` });
  try {
    const relay = await startPeer(peer, dataDir);
    const { file, effort } = comparison;
    try {
      add("start empty", { line: { start_ms: Math.round(relay.startMs) } });
      await runSteps(comparison, { relay, file, effort, stored: 0 }, dataDir, add);
    } finally {
      await relay.stop();
    }
    const again = await startPeer(peer, dataDir);
    add("start full", { line: { start_ms: Math.round(again.startMs) } });
    await again.stop();
  } catch (error) {
    add("run", { error: message(error) });
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function runSteps(
  comparison: Comparison,
  trial: Trial,
  dataDir: string,
  add: (step: string, result: Pick<Measurement, "line" | "error">) => void,
): Promise<void> {
  let measuredSize = false;
  for (const step of STEPS) {
    const stores = step.name.startsWith("ingest");
    if (!stores && !measuredSize) {
      measuredSize = true;
      add("size", { line: await sizeOf(dataDir, trial.stored) });
    }
    const { only } = comparison;
    const wanted = only.length === 0 || only.some((prefix) => step.name.startsWith(prefix));
    if (!wanted && !stores) continue;
    add(step.name, await attempt(step, trial));
  }
}

async function attempt(step: Step, trial: Trial): Promise<Pick<Measurement, "line" | "error">> {
  try {
    return { line: await step.run(trial) };
  } catch (error) {
    await printProgress(`  ${step.name}: ${message(error)}`);
    return { error: message(error) };
  }
}

/** What the stored events take on disk: allocated blocks, since a database file may have holes. */
async function sizeOf(dataDir: string, events: number): Promise<Record<string, number>> {
  const kilobytes = Number.parseInt(await capture("du", ["-sk", dataDir]));
  return { stored: events, disk_kb: kilobytes, gigabytes_per_million: kilobytes * 1.024 / events };
}

function message(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 500) : String(error);
}
