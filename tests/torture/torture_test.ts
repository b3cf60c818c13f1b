// deno-lint-ignore-file no-console -- what is skipped is said, with the reason
/** The short forms of the trials of `deno task torture`: the same code, a few rounds. */
import { assertEquals } from "@std/assert";
import { seededPrng } from "../support/prng.ts";
import { bytesTrial } from "./bytes.ts";
import { clientsTrial } from "./clients.ts";
import { crashTrial, crashTrialWithOpenSearch } from "./crash.ts";
import { hostileTrial } from "./hostile.ts";
import { overloadTrial } from "./overload.ts";
import { type PowerOptions, powerTrial } from "./power.ts";
import { slopeOf, soakTrial } from "./soak.ts";
import { threadsTrial } from "./threads.ts";
import type { Trial, TrialResult } from "./trial.ts";

/** Long enough for every short form; the rounds end it. */
const BUDGET_MS = 120_000;

/** Runs a trial in a folder of its own. */
async function run(name: string, trial: Trial, rounds: number): Promise<TrialResult> {
  const folder = await Deno.makeTempDir({ prefix: "sluice-torture-" });
  const say = (line: string) => line.startsWith("skipped") && console.log(line);
  try {
    return await trial({ prng: seededPrng(name), budgetMs: BUDGET_MS, rounds, folder, say });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The same, and demands that every promise was kept. */
async function hold(name: string, trial: Trial, rounds: number): Promise<TrialResult> {
  const result = await run(name, trial, rounds);
  assertEquals(result.failures, []);
  return result;
}

Deno.test("a relay killed many times on one data directory loses nothing and brings nothing back", async () => {
  const { figures } = await hold("crash", crashTrial, 4);
  assertEquals(figures.kills! >= 4, true);
});

Deno.test("an OpenSearch index is equal to the store of a relay that was killed many times", {
  ignore: Deno.env.get("SLUICE_TEST_OPENSEARCH") === "none",
}, async () => {
  const { figures } = await hold("crash-opensearch", crashTrialWithOpenSearch, 2);
  assertEquals(figures["documents compared"]! > 0, true);
});

Deno.test("a relay whose threads die, hang and run out of memory answers on and keeps everything", async () => {
  const { figures } = await hold("threads", threadsTrial, 3);
  assertEquals(figures["events looked at"]! > 0, true);
});

Deno.test("a store whose disk lost power at any moment is whole and holds every OK", async () => {
  await hold("power", powerTrial, 1);
});

Deno.test("the trial of power loss finds what a store without fsync loses", async () => {
  const careless: Trial = (options) => powerTrial({ ...options, durability: "normal" } as PowerOptions);
  const { failures, figures } = await run("power without fsync", careless, 1);
  // Without a compiler nothing was cut.
  assertEquals(failures.some((failure) => failure.endsWith("is lost")), figures.cuts !== undefined);
});

Deno.test("mutated messages, pages, imports and settings are answered, and nothing wrong is taken", async () => {
  const { figures } = await hold("bytes", bytesTrial, 1);
  assertEquals(figures["EVENT frames"], figures["EVENT frames answered"]);
});

Deno.test("misbehaving clients, each in a hundredth of its trial, leave a bystander served", async () => {
  const { figures } = await hold("clients", clientsTrial, 9);
  assertEquals(figures.reconnects, 100);
});

Deno.test("three times what the relay takes is answered frame by frame, and afterwards all is as before", async () => {
  const { figures } = await hold("overload", overloadTrial, 3);
  assertEquals(Object.keys(figures).some((name) => name.endsWith("p99 ms")), true);
});

Deno.test("hostile clients within every limit hold up no bystander, and leave nothing behind", async () => {
  const { figures } = await hold("hostile", hostileTrial, 10);
  assertEquals(Object.keys(figures).some((name) => name.endsWith("OK, p99 ms")), true);
});

Deno.test("a mixed load for some seconds is answered, and leaves nothing behind", async () => {
  const { figures } = await hold("soak", soakTrial, 8);
  assertEquals(figures.samples, 8);
});

Deno.test("slopeOf() sees growth through outliers", () => {
  const xs = Array.from({ length: 50 }, (_, n) => n);
  assertEquals(slopeOf(xs, xs.map((x) => x === 20 ? 1_000 : 3 * x)), 3);
  assertEquals(slopeOf(xs, xs.map((x) => x === 20 ? 1_000 : 7)), 0);
});
