/**
 * The chart of the README: one panel a measurement, one bar a relay, drawn from the medians of the comparison.
 * Runs in the process of `deno task docs`; holds no state.
 *
 * @module
 */
import { type Measurement, summarize, type Summary } from "../../bench/peers/summary.ts";

/** What `bench/results/peers.json` holds, as far as the chart needs it. */
interface Comparison {
  readonly peers: readonly { readonly name: string }[];
  readonly measurements: readonly Measurement[];
}

const PANELS = [
  {
    title: "Events in, with fsync",
    unit: "/s, 8 connections",
    step: "ingest 8×64",
    figure: "events_per_second",
  },
  {
    title: "Live deliveries",
    unit: "/s, 100 readers",
    step: "fanout 100/100",
    figure: "deliveries_per_second",
  },
  { title: "Pages of 100 notes", unit: "events/s", step: "query kind100", figure: "events_per_second" },
  { title: "Timelines of 200 authors", unit: "/s", step: "query timeline200", figure: "queries_per_second" },
] as const;

const OURS: Readonly<Record<string, string>> = { "sluice": "Sluice", "sluice-ws": "Sluice, ws engine" };
const COLUMN_PX = 440;
const BAR_PX = 16;
const ROW_PX = 24;
const LABEL_PX = 130;
const BARS_PX = 210;
const HEAD_PX = 44;

/** The SVG text of the chart. */
export function chart({ peers, measurements }: Comparison): string {
  const summaries = summarize(measurements);
  const names = peers.map(({ name }) => name);
  const height = HEAD_PX + names.length * ROW_PX + 20;
  const panels = PANELS.map((panel, i) => {
    const [x, y] = [(i % 2) * COLUMN_PX + 16, Math.floor(i / 2) * height];
    return `<g transform="translate(${x} ${y})">\n${panelText(panel, names, summaries)}\n</g>`;
  });
  const [width, total] = [2 * COLUMN_PX, Math.ceil(PANELS.length / 2) * height];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${total}" ` +
    `viewBox="0 0 ${width} ${total}" font-family="system-ui, sans-serif" font-size="13">\n` +
    `<rect width="${width}" height="${total}" fill="#fff"/>\n${panels.join("\n")}\n</svg>\n`;
}

function panelText(
  { title, unit, step, figure }: (typeof PANELS)[number],
  names: readonly string[],
  summaries: readonly Summary[],
): string {
  const found = names.map((name) => summaries.find((each) => each.peer === name && each.step === step));
  const values = found.map((summary) => summary?.figures[figure]?.median ?? 0);
  const greatest = Math.max(...values);
  const bars = names.map((name, i) => {
    const y = HEAD_PX + i * ROW_PX;
    const width = Math.max(1, Math.round(values[i]! / greatest * BARS_PX));
    const ours = name in OURS;
    const mark = (found[i]?.problems ?? 0) > 0 ? " (!)" : "";
    return `<text x="${LABEL_PX - 8}" y="${y + 13}" text-anchor="end" fill="#24292f">${
      OURS[name] ?? name
    }</text>` +
      `<rect x="${LABEL_PX}" y="${y}" width="${width}" height="${BAR_PX}" rx="2" ` +
      `fill="${ours ? "#0f6e78" : "#b4bec7"}"/>` +
      `<text x="${LABEL_PX + width + 6}" y="${y + 13}" fill="#24292f">${rounded(values[i]!)}${mark}</text>`;
  });
  const head = `<text x="0" y="26" font-weight="600" font-size="15" fill="#24292f">${title} ` +
    `<tspan font-weight="400" font-size="12" fill="#57606a">${unit}</tspan></text>`;
  return [head, ...bars].join("\n");
}

/** Three digits are as many as a shared machine gives. */
function rounded(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}
