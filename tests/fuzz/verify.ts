/**
 * The differential fuzz of signature verification: the tiers `lanes` and `batch` against libsecp256k1, in a native program
 * (`native/tests/verify_fuzz.c`) that makes, spoils and verifies signatures from a seed.
 *
 *   deno task fuzz verify [--signatures 10_000_000]     SEED=number repeats a run
 *
 * Ten million take about six minutes of one core. Runs in the process of whoever calls it.
 *
 * @module
 */
import { printProgress } from "../../bench/output.ts";
import { prepareNativePrograms } from "../../scripts/native.ts";

/**
 * Runs the fuzz; its output goes where ours goes.
 *
 * @throws {Error} when a verdict differs, or the program cannot be built.
 */
export async function fuzzVerification(signatures: number): Promise<void> {
  const seed = Deno.env.get("SEED") ?? String(crypto.getRandomValues(new Uint32Array(1))[0]);
  const prepared = await prepareNativePrograms(["verify_fuzz"], false);
  if ("reason" in prepared) throw new Error(`Cannot fuzz verification: ${prepared.reason}`);
  await printProgress(`SEED=${seed}`);
  const program = new Deno.Command(prepared.paths[0]!, {
    args: [seed, String(signatures)],
    stdout: "inherit",
    stderr: "inherit",
  });
  const { success } = await program.spawn().status;
  if (!success) {
    throw new Error(`Cannot agree with libsecp256k1 on signatures of SEED "${seed}": verdicts differ`);
  }
}
