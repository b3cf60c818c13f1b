/**
 * Runs a differential fuzz for as long as is asked: `deno task fuzz verify [--signatures N]`. `SEED` in the environment
 * repeats a run. The suite runs the same for a moment.
 *
 * @module
 */
import { main as verify } from "../tests/fuzz/verify.ts";

const [name = "", ...words] = Deno.args;
if (name !== "verify") {
  await Deno.stderr.write(new TextEncoder().encode("usage: deno task fuzz verify [--signatures N]\n"));
  Deno.exit(2);
}
await verify(words);
