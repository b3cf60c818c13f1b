/**
 * The table of upstream relays: why each is there, how it is, and what came and went. Every upstream worker writes the rows
 * of its own relays; whoever shows them reads all.
 * Belongs to the thread whose connection it uses.
 *
 * @module
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { UPSTREAM_FAILURE_CHARS_MAX } from "../limits.ts";

/** How a relay is. */
export type RelayState = "connecting" | "open" | "waiting" | "quarantined" | "off";

/** What happens with one relay. Counts are since the relay was added. */
export interface RelayRow {
  /** Normalized. */
  readonly url: string;
  /** Who named it, such as `setting`, `file`, `list`, `monitor`, `stream`. */
  readonly sources: readonly string[];
  /** The worker that serves it. */
  readonly worker: number;
  readonly state: RelayState;
  /** The kind of the last failure (`failure.ts`), or empty. */
  readonly failure: string;
  /** The failure as a text for people, or empty. */
  readonly failureText: string;
  /** When it is tried again, seconds since 1970; 0: nothing is planned. */
  readonly nextTryAt: number;
  /** Events that came. */
  readonly received: number;
  /** Those of them that were stored. */
  readonly added: number;
  /** Those that were here already. */
  readonly duplicates: number;
  /** Those that were forged or malformed. */
  readonly invalid: number;
  /** Those that nobody asked for. */
  readonly unasked: number;
  /** Events that went there, and the answers. */
  readonly sent: number;
  readonly accepted: number;
  readonly refused: number;
  /** When the last event came, seconds since 1970; 0: none has. */
  readonly lastEventAt: number;
  /** Until when nothing is read from it, seconds since 1970; 0: it is not in quarantine. */
  readonly quarantineUntil: number;
  /** How often it was in quarantine, from which the length of the next one follows. */
  readonly quarantines: number;
}

/** The columns in the order of the table, with their types; `added_by` apart, which belongs to the API. */
const COLUMNS = [
  ["url", "TEXT"],
  ["sources", "TEXT"],
  ["worker", "INTEGER"],
  ["state", "TEXT"],
  ["failure", "TEXT"],
  ["failureText", "TEXT"],
  ["nextTryAt", "INTEGER"],
  ["received", "INTEGER"],
  ["added", "INTEGER"],
  ["duplicates", "INTEGER"],
  ["invalid", "INTEGER"],
  ["unasked", "INTEGER"],
  ["sent", "INTEGER"],
  ["accepted", "INTEGER"],
  ["refused", "INTEGER"],
  ["lastEventAt", "INTEGER"],
  ["quarantineUntil", "INTEGER"],
  ["quarantines", "INTEGER"],
] as const satisfies readonly (readonly [keyof RelayRow, string])[];

/** See the module's text. */
export class RelayTable {
  readonly #write: StatementSync;
  readonly #all: StatementSync;
  readonly #one: StatementSync;
  readonly #forget: StatementSync;
  readonly #name: StatementSync;
  readonly #unname: StatementSync;
  readonly #named: StatementSync;

  /** Makes the tables where there are none. */
  constructor(db: DatabaseSync) {
    const columns = COLUMNS.map(([name, type]) =>
      `${column(name)} ${type} NOT NULL${name === "url" ? " PRIMARY KEY" : ""}`
    );
    db.exec(`
      CREATE TABLE IF NOT EXISTS relay (${columns.join(", ")}) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS named_relay (url TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    `);
    const names = COLUMNS.map(([name]) => column(name));
    const selected = COLUMNS.map(([name]) => `${column(name)} AS ${name}`).join(", ");
    this.#write = db.prepare(
      `INSERT INTO relay (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})
       ON CONFLICT (url) DO UPDATE SET ${
        names.slice(1).map((name) => `${name} = excluded.${name}`).join(", ")
      }`,
    );
    this.#all = db.prepare(`SELECT ${selected} FROM relay WHERE url > ? ORDER BY url LIMIT ?`);
    this.#one = db.prepare(`SELECT ${selected} FROM relay WHERE url = ?`);
    this.#forget = db.prepare("DELETE FROM relay WHERE url = ?");
    this.#name = db.prepare("INSERT OR IGNORE INTO named_relay VALUES (?, ?)");
    this.#unname = db.prepare("DELETE FROM named_relay WHERE url = ?");
    this.#named = db.prepare("SELECT url FROM named_relay ORDER BY at, url LIMIT ?");
  }

  /** Stores the state of a relay, inside a transaction of the caller where there are many. */
  write(row: RelayRow): void {
    this.#write.run(...COLUMNS.map(([name]) => storedValue(row, name)));
  }

  /** The state of one relay; null: nothing is known. */
  get(url: string): RelayRow | null {
    const row = this.#one.get(url);
    return row === undefined ? null : relayRow(row);
  }

  /** The relays whose URLs follow `after`, in the order of URLs, at most so many. */
  page(after: string, max: number): RelayRow[] {
    return this.#all.all(after, max).map(relayRow);
  }

  /** Forgets the state of a relay. */
  forget(url: string): void {
    this.#forget.run(url);
  }

  /**
   * Adds a relay that was named by the API.
   *
   * @param at Seconds since 1970.
   * @returns whether it was not there yet.
   */
  addNamed(url: string, at: number): boolean {
    return this.#name.run(url, at).changes > 0;
  }

  /** Removes a relay that was named by the API. Returns whether it was there. */
  removeNamed(url: string): boolean {
    return this.#unname.run(url).changes > 0;
  }

  /** The relays that were named by the API, the first named first, at most so many. */
  named(max: number): string[] {
    return this.#named.all(max).map(({ url }) => url as string);
  }
}

/** A field's name as SQL spells it. */
function column(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function storedValue(row: RelayRow, name: keyof RelayRow): SQLInputValue {
  if (name === "sources") return JSON.stringify(row.sources);
  if (name === "failureText") return row.failureText.slice(0, UPSTREAM_FAILURE_CHARS_MAX);
  return row[name] as string | number;
}

function relayRow(row: Record<string, unknown>): RelayRow {
  return { ...row, sources: JSON.parse(row.sources as string) } as unknown as RelayRow;
}
