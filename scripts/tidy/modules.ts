/**
 * Rules about how modules hang together: circles, files that nothing leads to, and packages.
 * Pure functions; they run in the process of `deno task tidy`.
 *
 * @module
 */
import { type Edge, edgesOf, type Finding, isTest, type Project } from "./project.ts";

/** No module loads itself by way of others. Types, `import()` and workers load later, so they make no circle. */
export function checkCircles(project: Project): Finding[] {
  const next = new Map<string, string[]>();
  for (const { from, to, static: isStatic } of edgesOf(project)) {
    if (!isStatic || to === undefined || !project.has(to)) continue;
    next.set(from, [...next.get(from) ?? [], to]);
  }
  const findings: Finding[] = [];
  const done = new Set<string>();
  function visit(path: string, trail: readonly string[]): void {
    const at = trail.indexOf(path);
    if (at >= 0) {
      findings.push({ path, message: `imports itself: ${[...trail.slice(at), path].join(" → ")}` });
      return;
    }
    if (done.has(path)) return;
    for (const to of next.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  }
  for (const path of next.keys()) visit(path, []);
  return findings;
}

/** Every module is reached from a program, a worker (the supervisor starts those by name), a script, a bench or a test. */
export function checkDeadFiles(project: Project): Finding[] {
  const edges = Map.groupBy(edgesOf(project), ({ from }) => from);
  const configuration = project.get("deno.json") ?? "";
  const reached = new Set<string>();
  function reach(path: string): void {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { to } of edges.get(path) ?? []) if (to !== undefined) reach(to);
  }
  const modules = [...project.keys()].filter((path) => path.endsWith(".ts"));
  for (const path of modules) {
    const named = configuration.includes(`"./${path}"`) || configuration.includes(` ${path}"`);
    if (named || isTest(path) || /^(main|scripts\/\w+|bench\/.*|services\/\w+\/worker)\.ts$/.test(path)) {
      reach(path);
    }
  }
  return modules.filter((path) => !reached.has(path)).map((path) => ({
    path,
    message: "nothing imports this file",
  }));
}

/** Every package in `deno.json` is imported somewhere and named in `ARCHITECTURE.md`, and no other one is imported. */
export function checkPackages(project: Project): Finding[] {
  const path = "deno.json";
  const configuration = project.get(path);
  if (configuration === undefined) return [];
  const { imports = {} } = JSON.parse(configuration) as { imports?: Record<string, string> };
  const edges = edgesOf(project).filter(({ specifier }) => !/^(\.|node:)/.test(specifier));
  const architecture = project.get("ARCHITECTURE.md");
  const findings: Finding[] = [];
  for (const [name, target] of Object.entries(imports)) {
    if (name.endsWith("/") && name.slice(0, -1) in imports) continue;
    if (!edges.some((edge) => isOf(edge, name))) {
      findings.push({ path, message: `nothing imports "${name}"` });
    }
    const packageName = name.replace(/\/$/, "").replace(/^@types\//, "");
    if (target.startsWith("npm:") && architecture !== undefined && !architecture.includes(packageName)) {
      findings.push({ path: "ARCHITECTURE.md", message: `does not name the package "${packageName}"` });
    }
  }
  for (const { from, line, specifier } of edges) {
    if (Object.keys(imports).some((name) => isOf({ specifier }, name))) continue;
    findings.push({ path: from, line, message: `imports "${specifier}", which is not in the import map` });
  }
  return findings;
}

/** Whether an edge leads to the import-map entry `name`, or below it. */
function isOf({ specifier }: Pick<Edge, "specifier">, name: string): boolean {
  return specifier === name || specifier.startsWith(name.endsWith("/") ? name : `${name}/`);
}
