/**
 * Draws a plot as SVG with vega-lite: a panel a figure, a bar a peer for the median, a line from the least to the
 * greatest round. Runs in the bench's own process.
 *
 * @module
 */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Panel, Plot } from "./panels.ts";
import type { Summary } from "./summary.ts";

const OURS = "sluice";
const COLUMNS = 2;
const WIDTH = 300;
const INK = "#24292f";
const FAINT = "#9aa4ae";
const ACCENT = "#0b7285";

/** The SVG text of a plot. Peers without a figure in a panel have no bar there. */
export async function draw(
  plot: Plot,
  summaries: readonly Summary[],
  peers: readonly string[],
): Promise<string> {
  const spec = {
    background: "white",
    padding: 12,
    title: { text: plot.title, anchor: "start", fontSize: 15, color: INK, offset: 14 },
    columns: COLUMNS,
    spacing: 26,
    concat: plot.panels.map((panel) => panelSpec(panel, summaries, peers)),
    config: {
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axis: { labelColor: INK, domain: false, ticks: false, grid: false },
    },
  };
  // vega-lite's own type asks for far more than the few parts used here.
  const view = new View(parse(compile(spec as unknown as TopLevelSpec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function panelSpec(panel: Panel, summaries: readonly Summary[], peers: readonly string[]): unknown {
  const rows = peers.flatMap((peer) => {
    const summary = summaries.find((summary) => summary.peer === peer && summary.step === panel.step);
    const spread = summary?.figures[panel.figure];
    if (spread === undefined) return [];
    const mark = summary!.problems > 0 ? " (!)" : "";
    return [{ peer, ...spread, text: short(spread.median) + mark, ours: peer === OURS }];
  });
  const greatest = Math.max(...rows.map((row) => row.greatest), 0);
  const y = { field: "peer", type: "nominal", sort: [...peers], title: null, axis: { labelLimit: 120 } };
  const x = { type: "quantitative", title: null, axis: null, scale: { domain: [0, greatest * 1.25 || 1] } };
  return {
    title: {
      text: panel.title + (panel.lowerIsBetter ? " — less is better" : ""),
      anchor: "start",
      fontSize: 11,
      fontWeight: "normal",
      color: INK,
    },
    width: WIDTH,
    height: { step: 22 },
    data: { values: rows },
    layer: [
      {
        mark: { type: "bar", height: 14, cornerRadiusEnd: 2 },
        encoding: {
          y,
          x: { ...x, field: "median" },
          color: { condition: { test: "datum.ours", value: ACCENT }, value: "#c9d1d9" },
        },
      },
      {
        mark: { type: "rule", color: FAINT, strokeWidth: 1.5 },
        encoding: { y, x: { ...x, field: "least" }, x2: { field: "greatest" } },
      },
      {
        mark: { type: "text", align: "left", dx: 6, color: INK, fontSize: 11 },
        encoding: { y, x: { ...x, field: "greatest" }, text: { field: "text" } },
      },
    ],
  };
}

/** A number in at most four digits, with separators. */
export function short(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}
