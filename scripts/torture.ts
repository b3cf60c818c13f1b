/**
 * Tries to break the relay's promises for as long as is asked, and writes a report.
 *
 *   deno task torture [TRIAL…] [--minutes 5] [--seed S] [--rounds N] [--frames N] [--rate N] [--folder DIR]
 *
 *   TRIAL      bytes, clients, crash, crash-opensearch, hostile, overload, power, soak, threads; all of them when none is
 *              named
 *   --only     the same, separated by commas
 *   --minutes  of each trial; a trial ends with the round in which they are over
 *   --seed     repeats a run's choices; the moments at which things happen are the machine's
 *   --rounds   ends each trial after so many rounds
 *   --frames   EVENT frames of the trial bytes; it ends with the round that brings them, however long that takes
 *   --rate     events a second, at most, where a trial has a steady load
 *   --folder   keeps data, model and report; another run with the same folder goes on with them
 *
 * The report is `report.md` and `report.json` in the folder. The exit code is 0 only if every promise was held.
 * Runs in a process of its own, which owns everything that it starts.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { printProgress } from "../bench/output.ts";
import { Prng } from "../tests/support/prng.ts";
import { TRIALS } from "../tests/torture/trials.ts";
import { readReport, type Section, writeReport } from "../tests/torture/report.ts";
import { numberOf, runCommand, UsageError } from "./command.ts";
import { prepareNative } from "./native.ts";

const MINUTES = 5;

const OPTIONS = {
  only: { type: "string" },
  minutes: { type: "string" },
  seed: { type: "string" },
  rounds: { type: "string" },
  frames: { type: "string" },
  rate: { type: "string" },
  folder: { type: "string" },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ args: Deno.args, options: OPTIONS, allowPositionals: true });
  const minutes = numberOf("minutes", values.minutes, MINUTES);
  const seed = numberOf("seed", values.seed, crypto.getRandomValues(new Uint32Array(1))[0]!);
  const rounds = numberOf("rounds", values.rounds, Infinity);
  const frames = numberOf("frames", values.frames, 0);
  const rate = numberOf("rate", values.rate, Infinity);
  const named = [...positionals, ...values.only?.split(",") ?? []];
  const unknown = named.find((name) => !(name in TRIALS));
  if (unknown !== undefined) {
    throw new UsageError(`Cannot run trial "${unknown}": known are ${Object.keys(TRIALS).join(", ")}`);
  }
  const names = named.length === 0 ? Object.keys(TRIALS) : named;
  const folder = values.folder ?? await Deno.makeTempDir({ prefix: "sluice-torture-" });
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
      ...(frames > 0 && { frames }),
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

if (import.meta.main) await runCommand(import.meta.url, main);
