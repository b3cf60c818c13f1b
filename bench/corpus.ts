/**
 * The corpus: seeded events that every scenario uses, made once for a seed and a size and kept in `bench/cache/`.
 * Runs in the bench's own process.
 *
 * @module
 */
import { drive } from "./driver.ts";
import { printProgress } from "./output.ts";

const CACHE = new URL("./cache/", import.meta.url);
/** The `created_at` of the last event: fixed, so that a seed gives the same bytes everywhere. */
const UNTIL = 1_760_000_000;

/**
 * The path of a corpus of so many events, which is made when it is not there.
 *
 * @param ephemeral All events are of a kind that is never stored.
 */
export async function corpus(events: number, seed: number, ephemeral = false): Promise<string> {
  const path = new URL(`./${ephemeral ? "ephemeral" : "corpus"}-${seed}-${events}.jsonl`, CACHE).pathname;
  if (await Deno.stat(path).then(() => true, () => false)) return path;
  await Deno.mkdir(CACHE, { recursive: true });
  await printProgress(`making a corpus of ${events} events`);
  // A name of its own until it is whole: an interrupted run must not leave half a corpus behind.
  const unfinished = `${path}.${Deno.pid}`;
  const share = ephemeral ? 1 : 0;
  const args = ["--events", events, "--seed", seed, "--until", UNTIL, "--ephemeral", share];
  await drive(["corpus", ...args, "--out", unfinished]);
  await Deno.rename(unfinished, path);
  return path;
}
