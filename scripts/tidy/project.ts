/**
 * The project as tidy's checks see it: texts by path, and the edges between modules.
 * Runs in the process of `deno task tidy`; a project belongs to its caller and does not change.
 *
 * @module
 */

/** Texts by path relative to the root, e.g. `lib/store/read/scan.ts`. */
export type Project = ReadonlyMap<string, string>;

/** One breach of a rule. */
export interface Finding {
  readonly path: string;
  /** From 1, where the finding has a place in the file. */
  readonly line?: number;
  readonly message: string;
}

/** One module that another names: by `import`, `export … from`, `import()`, or as the URL of a worker. */
export interface Edge {
  readonly from: string;
  readonly line: number;
  readonly specifier: string;
  /** The path that a relative specifier means. */
  readonly to: string | undefined;
  /** Whether it loads the module when the importing one loads: neither types only, nor `import()`, nor a worker. */
  readonly static: boolean;
}

const TEXT_FILE =
  /\.(ts|md|c|h|rs|java|json|jsonc|toml|xml|sh|sql|yml|yaml|html|css|js)$|^\.ci\/run$|^\.env\.example$/;
const SKIPPED_FOLDERS = new Set([".git", "node_modules", "data", "build", "target", "coverage", "classes"]);
/** What programs write, or download, and nobody reads. */
const SKIPPED_PATHS = /^(deno\.lock|bench\/results\/.*|tests\/support\/opensearch\/lib\/.*)$/;

const STATIC_IMPORT = /^(?:import|export)\s(?:[^;"'`]*?\sfrom\s*)?"([^"]+)"/gm;
/** The types of the import on the next line. */
const TYPES = /^\/\/ @ts-types="([^"]+)"/gm;
const LATE_IMPORT =
  /\bimport\(\s*"([^"]+)"|\bnew URL\(\s*"(\.[^"]+\.ts)",\s*import\.meta\.url|import\.meta\.resolve\("(\.[^"]+)"/g;

/** Reads every text file below `root`, a `file:` URL that ends with a slash. */
export async function readProject(root: URL): Promise<Project> {
  const paths: string[] = [];
  async function walk(folder: string): Promise<void> {
    for await (const entry of Deno.readDir(new URL(`./${folder}`, root))) {
      const path = folder + entry.name;
      if (entry.isDirectory && !SKIPPED_FOLDERS.has(entry.name)) await walk(`${path}/`);
      else if (entry.isFile && TEXT_FILE.test(path) && !SKIPPED_PATHS.test(path)) paths.push(path);
    }
  }
  await walk("");
  const texts = await Promise.all(paths.sort().map((path) => Deno.readTextFile(new URL(`./${path}`, root))));
  return new Map(paths.map((path, i) => [path, texts[i]!]));
}

/** Every edge between modules of the project, and from them to packages. */
export function edgesOf(project: Project): Edge[] {
  const edges: Edge[] = [];
  for (const [from, text] of project) {
    if (!from.endsWith(".ts")) continue;
    for (const match of text.matchAll(STATIC_IMPORT)) {
      const isStatic = !/^(?:import|export)\s+type\s/.test(match[0]);
      edges.push(edge(from, text, match, match[1]!, isStatic));
    }
    for (const match of text.matchAll(TYPES)) edges.push(edge(from, text, match, match[1]!, false));
    for (const match of text.matchAll(LATE_IMPORT)) {
      if (isComment(text, match.index)) continue;
      edges.push(edge(from, text, match, (match[1] ?? match[2] ?? match[3])!, false));
    }
  }
  return edges;
}

/** The text with its comments blanked out, so that offsets and lines stay. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*/gm, (comment) => comment.replace(/[^\n]/g, " "));
}

/** The number of the line, from 1, at an offset of a text. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

/** Whether a path is a test, or a worker that belongs to one. */
export function isTest(path: string): boolean {
  return path.startsWith("tests/") || /_test(_\w+)?\.ts$/.test(path);
}

function edge(
  from: string,
  text: string,
  match: RegExpExecArray,
  specifier: string,
  isStatic: boolean,
): Edge {
  const to = specifier.startsWith(".") ? new URL(specifier, `file:///${from}`).pathname.slice(1) : undefined;
  return { from, line: lineAt(text, match.index), specifier, to, static: isStatic };
}

/** Whether an offset lies on a line of a docstring or behind `//`. */
function isComment(text: string, offset: number): boolean {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return /^\s*(\*|\/\/|\/\*)/.test(text.slice(start, offset));
}
