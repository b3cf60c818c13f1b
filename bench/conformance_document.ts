/**
 * The conformance report, from what the relay checker saw. Runs in the bench's own process; no state.
 *
 * @module
 */
import type { Result, Rule } from "../check_relay/rule.ts";
import { RULES } from "../check_relay/rules/all.ts";

/** One relay's results, as they are kept. */
export interface Conformance {
  readonly name: string;
  readonly version: string;
  /** How it was configured. */
  readonly note: string;
  /** The day of the run. */
  readonly date: string;
  readonly results: readonly {
    readonly id: string;
    readonly outcome: Result["outcome"];
    readonly seen: string;
  }[];
}

const CELLS = { pass: "✓", fail: "**✗**", "n.a.": "" } as const;

/** The document. */
export function conformanceDocument(all: readonly Conformance[]): string {
  return [
    intro(),
    relays(all),
    "## The rules\n\n" +
    "✓ held, **✗** broken, blank: not applicable. Rules in italics are advised (SHOULD, MAY); " +
    "the others are required.\n\n" +
    table(all),
    ...all.map(broken).filter((text) => text !== ""),
  ].join("\n\n") + "\n";
}

function intro(): string {
  return `<!-- deno-fmt-ignore-file -->
# Conformance of relays

The results of \`deno task check-relay\` for this relay and others, each on an empty database and in the set-up that is
named. The rules were written alongside this relay, so its own column says less than those of the others. Rules of a NIP
are tried on relays that list the NIP in their NIP-11 document, or in their own documentation if they serve none. A
framework (khatru, rely) is judged by what it does with a store and nothing else added.

\`deno task conformance\` writes this file, \`deno task conformance NAME\` the column of one relay;
[bench/README.md](../README.md) lists what must be installed.`;
}

function relays(all: readonly Conformance[]): string {
  const rows = all.map(({ name, version, note, date, results }) => {
    const count = (outcome: string, level?: Rule["level"]) =>
      results.filter((result) => result.outcome === outcome && (!level || ruleOf(result.id)?.level === level))
        .length;
    return `| ${name} ${version} | ${date} | ${count("pass")} | ${count("fail", "required")} | ${
      count("fail", "advised")
    } | ` +
      `${count("n.a.")} | ${note} |`;
  });
  return [
    "| Relay | Day | Held | Required broken | Advised broken | Not applicable | Setup |",
    "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ...rows,
  ].join("\n");
}

function table(all: readonly Conformance[]): string {
  const byId = all.map(({ results }) => new Map(results.map((result) => [result.id, result.outcome])));
  const rows = RULES.map(({ id, says, level }) => {
    const cells = byId.map((outcomes) => CELLS[outcomes.get(id) ?? "n.a."]);
    const text = level === "advised" ? `*${id}*` : id;
    return `| ${text} | ${escaped(says)} | ${cells.join(" | ")} |`;
  });
  return [
    `| Rule | The NIP demands | ${all.map(({ name }) => name).join(" | ")} |`,
    `| --- | --- | ${all.map(() => ":-:").join(" | ")} |`,
    ...rows,
  ].join("\n");
}

/** What was seen where a relay broke a rule. */
function broken({ name, version, results }: Conformance): string {
  const failures = results.filter(({ outcome }) => outcome === "fail");
  if (failures.length === 0) return "";
  const lines = failures.map(({ id, seen }) => `- \`${id}\`: ${escaped(shortened(seen))}`);
  return `## What ${name} ${version} did\n\n${lines.join("\n")}`;
}

function ruleOf(id: string): Rule | undefined {
  return RULES.find((rule) => rule.id === id);
}

/** Keys and ids say nothing to a reader. */
function shortened(seen: string): string {
  return seen.replace(/[0-9a-f]{40,}/g, (hex) => `${hex.slice(0, 6)}…`);
}

function escaped(text: string): string {
  return text.replace(/[|<>*_]/g, "\\$&");
}
