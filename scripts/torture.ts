/**
 * Tries to break the relay's promises for as long as is asked, and writes a report.
 *
 *   deno task torture [--minutes 5] [--only crash,power,threads,…] [--seed S] [--rounds N] [--rate N] [--folder DIR]
 *
 *   --minutes  of each trial; a trial ends with the round in which they are over
 *   --only     the trials, by name; all of them when it is missing
 *   --seed     repeats a run's choices; the moments at which things happen are the machine's
 *   --rounds   ends each trial after so many rounds
 *   --rate     events a second, at most, where a trial has a steady load
 *   --folder   keeps data, model and report; another run with the same folder goes on with them
 *
 * The report is `report.md` and `report.json` in the folder. The exit code is 0 only if every promise was held.
 * Runs in a process of its own, which owns everything that it starts.
 *
 * @module
 */
import { Flags } from "../bench/flags.ts";
import { printProgress } from "../bench/output.ts";
import { Prng } from "../tests/support/prng.ts";
import { TRIALS } from "../tests/torture/trials.ts";
import { readReport, type Section, writeReport } from "../tests/torture/report.ts";
import { prepareNative } from "./native.ts";

const MINUTES = 5;

async function main(): Promise<number> {
  const flags = new Flags(Deno.args);
  const minutes = flags.number("minutes", MINUTES);
  const seed = flags.number("seed", crypto.getRandomValues(new Uint32Array(1))[0]!);
  const names = flags.list("only", Object.keys(TRIALS));
  const rounds = flags.number("rounds", Infinity);
  const rate = flags.number("rate", Infinity);
  const folder = flags.text("folder", await Deno.makeTempDir({ prefix: "sluice-torture-" }));
  flags.finish();
  const unknown = names.find((name) => !(name in TRIALS));
  if (unknown !== undefined) {
    throw new Error(`Cannot run trial "${unknown}": known are ${Object.keys(TRIALS).join(", ")}`);
  }
  await printProgress(`${(await prepareNative()).line}\nSEED=${seed}, folder ${folder}`);
  const sections: Section[] = await readReport(folder);
  for (const name of names) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
    const startedMs = performance.now();
    const trial = await TRIALS[name]!();
    const result = await trial({
      prng: new Prng(seed),
      budgetMs: minutes * 60_000,
      rounds,
      rate,
      folder: `${folder}/${name}`,
      say: (line) => void printProgress(`${name}: ${line}`),
    });
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    sections.push({ name, seed, seconds, ...result });
    await writeReport(folder, sections);
    await printProgress(`${name}: ${JSON.stringify(result.figures)}\n${result.failures.join("\n")}`);
  }
  return sections.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

try {
  Deno.exit(await main());
} catch (error) {
  await printProgress(error instanceof Error ? error.stack ?? error.message : String(error));
  Deno.exit(1);
}
