/**
 * Runs every step against every peer, round after round: within a round the peers follow each other, and each round
 * begins with another one, so that a slow minute of the machine does not fall on one peer alone. Runs in the bench's
 * own process.
 *
 * @module
 */
import { printProgress } from "../output.ts";
import { withDataDir } from "../scenario.ts";
import { capture, type Peer, startPeer } from "./peer.ts";
import { type Effort, type Step, STEPS, STEPS_AFTER_RESTART, type Trial } from "./steps.ts";
import { untilAtRest } from "./rest.ts";
import type { Measurement } from "./summary.ts";

/** What is compared, and how. */
interface Comparison {
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly dataRoot: string;
  readonly file: string;
  readonly effort: Effort;
  /** Only steps whose names begin with one of these; all when empty. Events are stored all the same. */
  readonly only: readonly string[];
}

type Add = (step: string, result: Pick<Measurement, "line" | "error">) => void;

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

/** One peer's turn: an empty directory, the steps, then a restart on what was stored and the rest of the steps. */
async function takeTurn(
  comparison: Comparison,
  peer: Peer,
  round: number,
  measurements: Measurement[],
): Promise<void> {
  const add: Add = (step, result) => measurements.push({ peer: peer.name, round, step, ...result });
  const { file, effort, dataRoot } = comparison;
  try {
    await withDataDir(dataRoot, peer.name, async (dataDir) => {
      let stored = 0;
      for (const [start, steps] of [["start empty", STEPS], ["start full", STEPS_AFTER_RESTART]] as const) {
        const relay = await startPeer(peer, dataDir);
        try {
          add(start, { line: { start_ms: Math.round(relay.startMs) } });
          // What it reads into memory after a start is no connection's.
          if (stored > 0) await untilAtRest(relay.pid);
          const trial = { relay, file, effort, stored };
          await runSteps(comparison, steps, trial, dataDir, add);
          stored = trial.stored;
        } finally {
          await relay.stop();
        }
      }
    });
  } catch (error) {
    add("run", { error: message(error) });
  }
}

async function runSteps(
  { only }: Comparison,
  steps: readonly Step[],
  trial: Trial,
  dataDir: string,
  add: Add,
): Promise<void> {
  let measuredSize = trial.stored > 0;
  for (const step of steps) {
    const stores = step.name.startsWith("ingest");
    if (!stores && !measuredSize) {
      measuredSize = true;
      const restsAfterMs = await untilAtRest(trial.relay.pid);
      add("rest", { line: { rests_after_ms: restsAfterMs } });
      add("size", { line: await sizeOf(dataDir, trial.stored) });
    }
    const wanted = only.length === 0 || only.some((prefix) => step.name.startsWith(prefix));
    if (wanted || stores) add(step.name, await attempt(step, trial));
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
