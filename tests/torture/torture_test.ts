/** The short forms of the trials of `deno task torture`: the same code, a few rounds. */
import { assertEquals } from "@std/assert";
import { seededPrng } from "../support/prng.ts";
import { crashTrial } from "./crash.ts";
import { threadsTrial } from "./threads.ts";
import type { Trial, TrialResult } from "./trial.ts";

/** Long enough for every short form; the rounds end it. */
const BUDGET_MS = 120_000;

/** Runs a trial in a folder of its own, and demands that it kept every promise. */
async function hold(name: string, trial: Trial, rounds: number): Promise<TrialResult> {
  const folder = await Deno.makeTempDir({ prefix: "sluice-torture-" });
  try {
    const result = await trial({
      prng: seededPrng(name),
      budgetMs: BUDGET_MS,
      rounds,
      folder,
      say: () => {},
    });
    assertEquals(result.failures, []);
    return result;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a relay killed many times on one data directory loses nothing and brings nothing back", async () => {
  const { figures } = await hold("crash", crashTrial, 4);
  assertEquals(figures.kills! >= 4, true);
});

Deno.test("a relay whose threads die, hang and run out of memory answers on and keeps everything", async () => {
  const { figures } = await hold("threads", threadsTrial, 3);
  assertEquals(figures["events looked at"]! > 0, true);
});
