/**
 * Runs a differential fuzz for as long as is asked. `SEED` in the environment repeats a run. The suite runs the same for a
 * moment.
 *
 *   deno task fuzz verify [--signatures N]   verification, compared with libsecp256k1
 *   deno task fuzz frames [--frames N]       the reading of frames, compared with JavaScript
 *
 * @module
 */
import { parseArgs } from "node:util";
import { fuzzFrames } from "../tests/fuzz/frames.ts";
import { fuzzVerification } from "../tests/fuzz/verify.ts";
import { numberOf, runCommand, UsageError } from "./command.ts";

const SIGNATURES = 10_000_000;
const FRAMES = 5_000_000;

async function main(): Promise<number> {
  const [name = "", ...args] = Deno.args;
  switch (name) {
    case "verify": {
      const { values } = parseArgs({ args, options: { signatures: { type: "string" } } });
      await fuzzVerification(numberOf("signatures", values.signatures, SIGNATURES));
      return 0;
    }
    case "frames": {
      const { values } = parseArgs({ args, options: { frames: { type: "string" } } });
      await fuzzFrames(numberOf("frames", values.frames, FRAMES));
      return 0;
    }
    default:
      throw new UsageError(`Cannot fuzz "${name}": known are verify, frames`);
  }
}

if (import.meta.main) await runCommand(import.meta.url, main);
