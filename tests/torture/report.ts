/**
 * The report of a torture: a JSON text that a later run goes on with, and the same as Markdown.
 * Runs in the process of `deno task torture`; the files are its own.
 *
 * @module
 */
import type { TrialResult } from "./trial.ts";

/** One trial of one run. */
export interface Section extends TrialResult {
  readonly name: string;
  readonly seed: number;
  readonly seconds: number;
}

/** The sections of earlier runs in this folder. */
export async function readReport(folder: string): Promise<Section[]> {
  const text = await Deno.readTextFile(`${folder}/report.json`).catch(() => "[]");
  return JSON.parse(text) as Section[];
}

/** Writes both forms. */
export async function writeReport(folder: string, sections: readonly Section[]): Promise<void> {
  await Deno.writeTextFile(`${folder}/report.json`, JSON.stringify(sections, null, 2));
  await Deno.writeTextFile(`${folder}/report.md`, markdownOf(sections));
}

/** A table for each trial: its runs, what they did in sum, and what they found. */
function markdownOf(sections: readonly Section[]): string {
  const texts = [...Map.groupBy(sections, ({ name }) => name)].map(([name, runs]) => {
    const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
    const rows = Object.entries(sumOf(runs)).map(([figure, value]) =>
      `| ${figure} | ${value.toLocaleString("en")} |`
    );
    const failures = runs.flatMap((run) => run.failures.map((failure) => `- ${failure} (seed ${run.seed})`));
    return [
      `## ${name}`,
      `${runs.length} runs, ${seconds} s, seeds ${runs.map(({ seed }) => seed).join(", ")}`,
      ["| Figure | Value |", "| --- | ---: |", ...rows].join("\n"),
      failures.length === 0 ? "Every promise was held." : failures.join("\n"),
    ].join("\n\n");
  });
  return ["# Report of a torture", ...texts].join("\n\n") + "\n";
}

/** Counts add up; what is an extreme or a level (named with its unit after a comma, or "in the model") is the most. */
function sumOf(runs: readonly Section[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { figures } of runs) {
    for (const [name, value] of Object.entries(figures)) {
      const isLevel = name.includes(", ") || name.endsWith("in the model");
      sum[name] = isLevel ? Math.max(sum[name] ?? -Infinity, value) : (sum[name] ?? 0) + value;
    }
  }
  return sum;
}
