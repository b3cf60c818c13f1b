/**
 * The parts of the documents that follow from the code: `.env.example`, the tables of settings and NIPs, the bounds
 * of SECURITY.md and the README's chart. Runs in the processes of `deno task docs`, which writes them, and of
 * `deno task tidy`, which compares them; holds no state.
 *
 * @module
 */
import { configTable, envExample } from "../../lib/config/config.ts";
import * as limits from "../../lib/limits.ts";
import { NIPS, twoDigits } from "../../lib/relay/nips.ts";
import { chart } from "./chart.ts";

/** From the texts of a document and of what it shows to the text that it should have. */
type Generate = (text: string, read: (path: string) => Promise<string>) => string | Promise<string>;

/** The documents with generated parts, by path. */
const DOCUMENTS: Readonly<Record<string, Generate>> = {
  ".env.example": () => envExample(),
  "README.md": (text) => replacePart(text, "nips", nipSentence()),
  "docs/nips.md": (text) => replacePart(text, "nip-table", nipTable()),
  "docs/operating/settings.md": (text) => replacePart(text, "settings", configTable()),
  "SECURITY.md": replaceBounds,
  "docs/images/comparison.svg": async (_, read) => chart(JSON.parse(await read("bench/results/peers.json"))),
};

/** One document as it is and as it should be. */
export interface Generated {
  readonly path: string;
  readonly actual: string;
  readonly expected: string;
}

/** Every document with generated parts below `root`, a `file:` URL that ends with a slash. */
export async function generatedDocuments(root: URL): Promise<Generated[]> {
  const read = (path: string) => Deno.readTextFile(new URL(path, root));
  return await Promise.all(
    Object.entries(DOCUMENTS).map(async ([path, generate]) => {
      const actual = await read(path).catch(() => "");
      return { path, actual, expected: await generate(actual, read) };
    }),
  );
}

/**
 * The text with the part between `<!-- generated: name -->` and `<!-- /generated -->` replaced.
 *
 * @throws {Error} If there is no such part.
 */
export function replacePart(text: string, name: string, part: string): string {
  const pattern = new RegExp(`(<!-- generated: ${name} -->\n)[^]*?(<!-- /generated -->)`);
  if (!pattern.test(text)) throw new Error(`Cannot find part "${name}": the document has no such marker`);
  return text.replace(pattern, (_, start: string, end: string) => `${start}\n${part.trim()}\n\n${end}`);
}

/** The rows of tables whose second cell names a bound, with the bound's value in the unit that the third one has. */
export function replaceBounds(text: string): string {
  const values = limits as unknown as Readonly<Record<string, number>>;
  return text.replace(
    /^(\|[^|\n]+\| *`([A-Z_\d]+)` *\|)( *)([^|\n]+?)( *\|)$/gm,
    (row, head, name, ...cells) => {
      const [left, like, right] = cells as [string, string, string];
      const value = values[name];
      if (value === undefined) return row;
      const most = inUnitOf(value, like).padEnd(like.length + right.length - 2);
      return `${head}${left}${most} |`;
    },
  );
}

/** A number as the tables write it: `32 MiB` like "1 MiB", `2,000` like "1". */
export function inUnitOf(value: number, like: string): string {
  const unit = /^[\d,]+ (MiB|KiB)$/.exec(like)?.[1];
  const amount = unit === "MiB" ? value / 2 ** 20 : unit === "KiB" ? value / 2 ** 10 : value;
  return `${Math.round(amount).toLocaleString("en-US")}${unit === undefined ? "" : ` ${unit}`}`;
}

function nipSentence(): string {
  const links = NIPS.map(({ number }) => twoDigits(number));
  const words = `It serves [NIPs](docs/nips.md) ${links.slice(0, -1).join(", ")} and ${links.at(-1)}.`;
  return wrapped(words, 110);
}

function nipTable(): string {
  const cells = NIPS.map(({ number, title, test }) => {
    const address = `https://github.com/nostr-protocol/nips/blob/master/${twoDigits(number)}.md`;
    return [`[${twoDigits(number)}](${address})`, title, `[${test}](../${test})`];
  });
  const rows = [["NIP", "Title", "Test"], ...cells];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`);
  return [lines[0], `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...lines.slice(1)].join(
    "\n",
  );
}

/** Lines of at most `width` characters, broken as `deno fmt` breaks them. */
function wrapped(text: string, width: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}
