/**
 * Sessions whose every message the oracle has said: `negentropy_vectors.json`. Written anew by
 *
 *   deno run --allow-all tests/support/negentropy_vectors.ts
 *
 * which runs in a process of its own. Otherwise types only.
 *
 * @module
 */
import { hash } from "node:crypto";
import { buildOracle, Oracle } from "./negentropy_oracle.ts";
import type { FrameLimits } from "./negentropy_session.ts";
import { type SetSizes, twoSets } from "./negentropy_sets.ts";
import { Prng } from "./prng.ts";

/** A session between two sets that a seed makes. */
interface Scenario {
  readonly name: string;
  readonly seed: number;
  readonly sizes: SetSizes;
  readonly frames: FrameLimits;
}

/** A scenario and what was said. */
export interface Vector extends Scenario {
  /** Of each message, both parties' in turn, its length and the first bytes of its SHA-256. */
  readonly messages: readonly string[];
}

/** How a vector names a message. */
export function digestMessage(message: Uint8Array): string {
  return `${message.length} ${hash("sha256", message, "hex").slice(0, 24)}`;
}

/**
 * The cases that matter: nothing, few, many; equal, disjoint, mixed; crowded seconds; messages that do not
 * fit.
 */
export const SCENARIOS: readonly Scenario[] = [
  scenario("both sets are empty", [0, 0, 0, 1], [0, 0]),
  scenario("ours is empty", [0, 0, 1_000, 5_000], [0, 0]),
  scenario("theirs is empty", [0, 1_000, 0, 5_000], [0, 0]),
  scenario("the sets are equal", [3_000, 0, 0, 9_000], [0, 0]),
  scenario("a list, one below a split", [20, 11, 11, 100], [0, 0]),
  scenario("a split of the fewest", [20, 12, 12, 100], [0, 0]),
  scenario("one event differs in ten thousand", [10_000, 1, 0, 100_000], [0, 0]),
  scenario("many differ", [5_000, 700, 900, 20_000], [0, 0]),
  scenario("nothing is shared", [0, 2_000, 2_000, 10_000], [0, 0]),
  scenario("all events are of one second", [3_000, 50, 50, 1], [0, 0]),
  scenario("the least frames", [2_000, 400, 400, 3_000], [4_096, 4_096]),
  scenario("the least frames, all of one second", [2_000, 300, 300, 1], [4_096, 4_096]),
  scenario("only their frames are limited", [3_000, 10, 2_500, 8_000], [0, 5_000]),
  scenario("only our frames are limited", [3_000, 2_500, 10, 8_000], [5_000, 0]),
  scenario("frames of common size", [20_000, 3_000, 3_000, 30_000], [60_000, 128_000]),
];

function scenario(
  name: string,
  [shared, ours, theirs, seconds]: readonly [number, number, number, number],
  [ourFrame, theirFrame]: readonly [number, number],
): Scenario {
  const seed = parseInt(hash("sha256", name, "hex").slice(0, 8), 16);
  return {
    name,
    seed,
    sizes: { shared, ours, theirs, seconds },
    frames: { ours: ourFrame, theirs: theirFrame },
  };
}

async function record(scenario: Scenario, program: string): Promise<Vector> {
  const sets = twoSets(new Prng(scenario.seed), scenario.sizes);
  await using ours = new Oracle(program);
  await using theirs = new Oracle(program);
  await ours.reset(sets.ours, scenario.frames.ours);
  await theirs.reset(sets.theirs, scenario.frames.theirs);
  const messages: string[] = [];
  for (let { message } = await ours.initiate(); message !== null;) {
    const answer = (await theirs.receive(message)).message!;
    messages.push(digestMessage(message), digestMessage(answer));
    ({ message } = await ours.receive(answer));
  }
  return { ...scenario, messages };
}

if (import.meta.main) {
  const program = await buildOracle();
  if (program === null) throw new Error("Cannot build the oracle: cargo, or its package, is missing");
  const vectors: Vector[] = [];
  for (const scenario of SCENARIOS) vectors.push(await record(scenario, program));
  const file = new URL("./negentropy_vectors.json", import.meta.url);
  await Deno.writeTextFile(file, JSON.stringify(vectors, null, 2) + "\n");
}
