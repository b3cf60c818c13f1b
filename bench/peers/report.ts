/**
 * The report of a comparison in Markdown: the machine, the peers, and a table a plot with rate, CPU and latency.
 * Pure; runs in the bench's own process.
 *
 * @module
 */
import type { Results } from "./results.ts";
import { PLOTS } from "./panels.ts";
import { short } from "./plots.ts";
import type { Summary } from "./summary.ts";

/** A column of a table: the first of these figures that a step has. */
const COLUMNS: readonly (readonly [string, readonly string[]])[] = [
  ["rate", [
    "deliveries_per_second",
    "queries_per_second",
    "events_per_second",
    "gigabytes_per_million",
    "start_ms",
    "rests_after_ms",
  ]],
  ["CPU µs", [
    "relay_cpu_us_per_event",
    "relay_cpu_us_per_query",
    "relay_cpu_us_per_delivery",
    "relay_cpu_us_per_operation",
  ]],
  ["p50 ms", ["p50_ms", "query_p50_ms"]],
  ["p99 ms", ["p99_ms", "query_p99_ms"]],
  ["RSS MB", ["rss_after_kb"]],
  ["others' CPU %", ["elsewhere_cpu_percent"]],
];

/** The whole report. Plots are SVG files beside it. */
export function report(results: Results, summaries: readonly Summary[]): string {
  const steps = [...new Set(summaries.map(({ step }) => step))];
  const parts = [
    "# Sluice and its peers",
    `${results.machine.cpu}, ${results.machine.cores} cores, ${results.machine.memoryGb} GB, ` +
    `Linux ${results.machine.kernel}; data on ${results.machine.filesystem}. ${results.at.slice(0, 10)}, ` +
    `${results.rounds} interleaved rounds; relay and load driver share the cores.`,
    "Each figure is the median of the rounds, in brackets the least and the greatest. The driver counts every " +
    "answer: **(!)** marks a step in which some were wrong, missing or refused. Between ingest and queries each relay " +
    "has time to finish what it put off, such as a search index; `rest` says how much it took.",
    peerTable(results),
    ...results.absent.map(({ name, why }) => `Without ${name}: ${why.split("\n")[0]}.`),
    ...PLOTS.map(({ name, title }) => `![${title}](peers-${name}.svg)`),
    ...steps.map((step) => stepTable(step, summaries.filter((summary) => summary.step === step))),
  ];
  return parts.join("\n\n") + "\n";
}

function peerTable({ peers }: Results): string {
  const rows = peers.map(({ name, version, note }) => `| ${name} | ${version} | ${note} |`);
  return ["| relay | version | what an OK is worth, and settings |", "| --- | --- | --- |", ...rows].join(
    "\n",
  );
}

function stepTable(step: string, summaries: readonly Summary[]): string {
  const used = COLUMNS.filter(([, names]) =>
    summaries.some(({ figures }) => names.some((name) => name in figures))
  );
  if (step === "idle") {
    used.unshift(["KB a connection", ["rss_kb_per_connection"]], ["CPU % idle", ["idle_cpu_percent"]]);
  }
  const head = ["relay", ...used.map(([title, names]) => title === "rate" ? unit(names, summaries) : title)];
  const rows = summaries.map(({ peer, figures, problems, error }) => {
    if (error !== undefined) return `| ${peer} | ${error.split("\n")[0]!.slice(0, 120)} |`;
    const cells = used.map(([title, names]) => {
      const name = names.find((name) => name in figures);
      if (name === undefined) return "";
      const { median, least, greatest } = figures[name]!;
      if (title === "RSS MB") return short(median / 1_024);
      return title === "rate" ? `${short(median)} (${short(least)}–${short(greatest)})` : short(median);
    });
    return `| ${peer}${problems > 0 ? " **(!)**" : ""} | ${cells.join(" | ")} |`;
  });
  return [`## ${step}`, "", `| ${head.join(" | ")} |`, `| ${head.map(() => "---").join(" | ")} |`, ...rows]
    .join("\n");
}

function unit(names: readonly string[], summaries: readonly Summary[]): string {
  const name = names.find((name) => summaries.some(({ figures }) => name in figures)) ?? "";
  return name.replace("_per_second", "/s").replace("gigabytes_per_million", "GB a million").replace(
    "start_ms",
    "ms",
  ).replace("rests_after_ms", "ms until at rest");
}
