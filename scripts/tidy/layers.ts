/**
 * Rules about which folder may import which: the layers, services apart from each other, and no cycle of folders.
 * Pure functions; they run in the process of `deno task tidy`.
 *
 * @module
 */
import { type Edge, edgesOf, type Finding, isTest, type Project } from "./project.ts";

/** From the lowest to the highest, below `main.ts`. A layer imports itself and those before it. */
const LAYERS = ["lib", "wire", "runtime", "services"] as const;
/** Folders beside the layers, which import the layers and are not imported by them. */
const BESIDE = new Set(["tests", "bench", "scripts", "check_relay"]);
/** Folders whose subfolders count as folders of their own; of any other, the first level below its layer counts. */
const SPLIT_FOLDERS = new Set(["lib/store"]);

/** An import between two files that the layers forbid, or that closes a cycle of folders. */
type Arrow = Pick<Edge, "from" | "line"> & { readonly to: string };

/** What `deno task tidy` prints about the layers. */
interface LayerReport {
  readonly upward: readonly Arrow[];
  readonly between: readonly Arrow[];
  /** Folders that import each other, each cycle in alphabetical order. */
  readonly cycles: readonly (readonly string[])[];
}

/** No layer imports a higher one, no service another one, and the program imports no test, bench or script. */
export function checkLayers(project: Project): Finding[] {
  const findings: Finding[] = [];
  for (const arrow of arrowsOf(project)) {
    const message = layerBreach(arrow);
    if (message !== undefined) findings.push({ path: arrow.from, line: arrow.line, message });
  }
  return findings;
}

/** No folder of the program imports itself by way of others, types included. */
export function checkFolderCycles(project: Project): Finding[] {
  return folderCycles(project).map((cycle) => ({
    path: cycle[0]!,
    message: `is in a cycle of folders: ${[...cycle, cycle[0]].join(" → ")}`,
  }));
}

/** The arrows that break the layers, and the cycles of folders. */
export function reportLayers(project: Project): LayerReport {
  const arrows = arrowsOf(project);
  return {
    upward: arrows.filter(({ from, to }) => pointsUp(from, to)),
    between: arrows.filter(({ from, to }) => leadsToOtherService(from, to)),
    cycles: folderCycles(project),
  };
}

/** The report as lines of text. */
export function formatLayers({ upward, between, cycles }: LayerReport): string[] {
  const lines = (arrows: readonly Arrow[]) => arrows.map(({ from, line, to }) => `  ${from}:${line} → ${to}`);
  return [
    `layers: ${[...LAYERS, "main"].join(" ← ")}`,
    `arrows that point up: ${upward.length || "none"}`,
    ...lines(upward),
    `arrows between services: ${between.length || "none"}`,
    ...lines(between),
    `cycles of folders: ${cycles.length || "none"}`,
    ...cycles.map((cycle) => `  ${cycle.join(" ↔ ")}`),
  ];
}

function arrowsOf(project: Project): Arrow[] {
  return edgesOf(project).flatMap(({ from, line, to }) => to === undefined ? [] : [{ from, line, to }]);
}

function layerBreach({ from, to }: Arrow): string | undefined {
  const layer = layerOf(from);
  if (pointsUp(from, to)) return `${layer} imports no higher layer: "${to}"`;
  if (isTest(from) || layer === undefined) return undefined;
  const target = to.split("/")[0]!;
  if (BESIDE.has(target)) return `${layer} imports nothing of ${target}: "${to}"`;
  if (layer === "lib" && to.endsWith("_test.ts")) return `a test is imported by nobody: "${to}"`;
  if (leadsToOtherService(from, to)) return `a service imports no other one: "${to}"`;
  return undefined;
}

function layerOf(path: string): typeof LAYERS[number] | "main" | undefined {
  if (path === "main.ts") return "main";
  return LAYERS.find((layer) => path.startsWith(`${layer}/`));
}

/** Tests in `lib` keep to it too; those of the other layers may look at what uses their subject. */
function pointsUp(from: string, to: string): boolean {
  const [layer, target] = [layerOf(from), layerOf(to)];
  if (layer === undefined || target === undefined || isTest(from) && layer !== "lib") return false;
  const order: readonly string[] = [...LAYERS, "main"];
  return order.indexOf(layer) < order.indexOf(target);
}

function leadsToOtherService(from: string, to: string): boolean {
  if (isTest(from) || layerOf(from) !== "services" || layerOf(to) !== "services") return false;
  return from.split("/")[1] !== to.split("/")[1];
}

/** The folder of a file, as cycles count it; a file at the root of `lib` stands for itself. */
function folderOf(path: string): string {
  const parts = path.split("/");
  if (parts[0] !== "lib" && parts[0] !== "services") return parts[0]!;
  const folder = parts.slice(0, 2).join("/");
  return SPLIT_FOLDERS.has(folder) && parts.length > 3 ? parts.slice(0, 3).join("/") : folder;
}

function folderCycles(project: Project): string[][] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of arrowsOf(project)) {
    if (isTest(from) || layerOf(from) === undefined || layerOf(to) === undefined) continue;
    const [folder, target] = [folderOf(from), folderOf(to)];
    if (folder === target) continue;
    if (!next.has(folder)) next.set(folder, new Set());
    next.get(folder)!.add(target);
  }
  const reached = new Map([...next.keys()].map((folder) => [folder, reachedFrom(folder, next)]));
  const cycles = new Map<string, string[]>();
  for (const [folder, far] of reached) {
    if (!far.has(folder)) continue;
    const cycle = [...far].filter((other) => reached.get(other)?.has(folder)).sort();
    cycles.set(cycle.join(), cycle);
  }
  return [...cycles.values()].sort();
}

function reachedFrom(start: string, next: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const reached = new Set<string>();
  const open = [start];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const target of next.get(folder) ?? []) {
      if (reached.has(target)) continue;
      reached.add(target);
      open.push(target);
    }
  }
  return reached;
}
