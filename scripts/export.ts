/**
 * Writes stored events as JSONL to standard output: `deno task export [--filter JSON] [--since S] [--until S]`.
 *
 * Reads the store beside a running relay or without one. Without a filter the events come in the order in which they
 * were stored; with one (a filter of NIP-01, without search) newest first. Progress goes to standard error.
 *
 *   --filter JSON     e.g. '{"kinds":[1],"authors":["…"]}'; its `limit` counts, and there is none by default
 *   --since S         seconds since 1970; the same as in the filter
 *   --until S
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { DatabaseSync } from "node:sqlite";
import { EXPORT_ROWS_AT_ONCE } from "../lib/limits.ts";
import { FilterError, parseFilter } from "../lib/nostr/filter.ts";
import { EventReader } from "../lib/store/read/event_reader.ts";
import { LogReader } from "../lib/log/log_reader.ts";
import { openForReading } from "../lib/store/keep/open.ts";
import { SCHEMA_VERSION, versionOf } from "../lib/store/keep/schema.ts";
import { storePath } from "../runtime/data_paths.ts";
import { readSettings } from "../runtime/settings_file.ts";
import { runCommand, say } from "./command.ts";

/** The texts of one step after another; no snapshot is held between two. */
type Step = () => string[] | null;

/** Everything, by the log. */
function wholeLog(db: DatabaseSync): Step {
  const log = new LogReader(db);
  const last = log.lastSeq;
  let cursor = 0;
  return () => {
    const entries = log.read(cursor, EXPORT_ROWS_AT_ONCE).filter((entry) => entry.seq <= last);
    if (entries.length === 0) return null;
    cursor = entries.at(-1)!.seq;
    return entries.flatMap((entry) => entry.type === "add" ? [entry.text] : []);
  };
}

/** What a filter matches. */
function filtered(db: DatabaseSync, given: object): Step {
  const filter = parseFilter(given, {
    limitMax: Number.MAX_SAFE_INTEGER,
    limitDefault: Number.MAX_SAFE_INTEGER,
  });
  if (filter.search !== undefined) throw new FilterError("unsupported: an export does not search");
  const reader = new EventReader(db);
  const scan = reader.scan(filter, { seqMax: reader.refresh(), now: Math.floor(Date.now() / 1000) });
  let ended = false;
  return () => {
    if (ended) return null;
    const texts: string[] = [];
    ended = scan.step({ rows: EXPORT_ROWS_AT_ONCE, bytes: Infinity }, (text) => texts.push(text)) === "done";
    return texts;
  };
}

function filterOf(text: string): object {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FilterError(`Cannot read filter "${text}": ${(error as Error).message}`);
  }
}

async function main(): Promise<number> {
  const options = {
    filter: { type: "string" },
    since: { type: "string" },
    until: { type: "string" },
  } as const;
  const { values } = parseArgs({ args: Deno.args, options });
  const config = await readSettings(".env", Deno.env.toObject());
  const path = storePath(config.DATA_DIR);
  const db = openForReading(path, config.CACHE_MB);
  const isFiltered = values.filter !== undefined || values.since !== undefined || values.until !== undefined;
  if (isFiltered && versionOf(db, path) < SCHEMA_VERSION) {
    throw new Error(
      `Cannot export a part of store "${path}": its schema is an older one; all of it can be exported, and the relay ` +
        "brings it up to date when it starts",
    );
  }
  const next = isFiltered
    ? filtered(db, {
      ...filterOf(values.filter ?? "{}"),
      ...(values.since === undefined ? {} : { since: Number(values.since) }),
      ...(values.until === undefined ? {} : { until: Number(values.until) }),
    })
    : wholeLog(db);
  const encoder = new TextEncoder();
  const writer = Deno.stdout.writable.getWriter();
  let written = 0;
  for (let texts = next(); texts !== null; texts = next()) {
    if (texts.length > 0) await writer.write(encoder.encode(texts.join("\n") + "\n"));
    written += texts.length;
  }
  db.close();
  say(`wrote ${written} events`);
  return 0;
}

if (import.meta.main) await runCommand(import.meta.url, main);
