/**
 * Runs a differential fuzz for as long as is asked: `deno task fuzz verify [--signatures N]` or `deno task fuzz frames
 * [--frames N]`. `SEED` in the environment repeats a run. The suite runs the same for a moment.
 *
 * @module
 */
import { main as frames } from "../tests/fuzz/frames.ts";
import { main as verify } from "../tests/fuzz/verify.ts";

const FUZZES = new Map([["verify", verify], ["frames", frames]]);
const USAGE = "usage: deno task fuzz verify [--signatures N] | frames [--frames N]\n";

const [name = "", ...words] = Deno.args;
const main = FUZZES.get(name);
if (main === undefined) {
  await Deno.stderr.write(new TextEncoder().encode(USAGE));
  Deno.exit(2);
}
await main(words);
