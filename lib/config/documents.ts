/**
 * The documents that follow from the table of settings: `.env.example` and the tables of docs/operating/settings.md,
 * which `deno task docs` writes. Runs on any thread; holds no state.
 *
 * @module
 */
import { GROUPS, type Setting, settingRows } from "./settings.ts";

/** The text of `.env.example`: every setting with its default, commented out. */
export function envExample(): string {
  const blocks = Object.entries(GROUPS).map(([group, title]) => {
    const rows = settingRows().filter(([, row]) => row.group === group);
    const lines = rows.flatMap(([name, row]) => [
      `# ${row.description}`,
      `# Allowed: ${row.kind.allowed}.${row.alias ? ` Also read from ${row.alias}.` : ""}`,
      `#${name}=${defaultText(row)}`,
      "",
    ]);
    return [`### ${title} ###`, "", ...lines].join("\n");
  });
  const head = "# The settings of Sluice. Copy this file to .env and change what you need;\n" +
    "# a line that stays commented out keeps the default that it shows.\n\n";
  return head + blocks.join("\n").trimEnd() + "\n";
}

/** The settings as Markdown, one table a group. */
export function configTable(): string {
  const tables = Object.entries(GROUPS).map(([group, title]) => {
    const rows = settingRows().filter(([, row]) => row.group === group);
    const lines = rows.map(([name, row]) => {
      const names = row.alias ? `\`${name}\`, \`${row.alias}\`` : `\`${name}\``;
      const value = defaultText(row);
      const cells = [names, value === "" ? "none" : `\`${value}\``, row.kind.allowed, row.description];
      return `| ${cells.map(cell).join(" | ")} | ${row.restart ? "yes" : "no"} |`;
    });
    const head = "| Name | Default | Allowed | What it is | Restart |\n| --- | --- | --- | --- | --- |";
    return `### ${title}\n\n${head}\n${lines.join("\n")}\n`;
  });
  return tables.join("\n");
}

function defaultText(row: Setting<unknown>): string {
  return row.default === null ? "" : row.kind.write(row.default as NonNullable<unknown>);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
