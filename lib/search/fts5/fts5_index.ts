/**
 * The embedded search index: SQLite's FTS5 in the file of the index state.
 * `Fts5Index` belongs to the indexer's thread and writes; each reader's thread opens an `Fts5Reader` of its own.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { LRUCache } from "lru-cache";
import { invariant } from "../../invariant.ts";
import { BULK_EVENTS_MAX, BUSY_MS } from "../../limits.ts";
import type { Cursor } from "../../log/durable_cursor.ts";
import { openToRead } from "../../sqlite/open_database.ts";
import { IndexState, openStateDatabase } from "../index_state.ts";
import { TEXT_FIELDS } from "../search_fields.ts";
import {
  type BulkResult,
  type IndexChange,
  type IndexLook,
  type PreparedIndex,
  type SearchHits,
  type SearchIndex,
  type SearchReader,
  type SearchRequest,
  SearchUnavailableError,
  type SuccessorIndex,
} from "../search_index.ts";
import { type Part, PartWriter, tableOf } from "./parts.ts";
import { searchSteps } from "./search_steps.ts";
import { Statements } from "./statements.ts";
import { makeTables, migrate, SCHEMA_VERSION } from "./schema.ts";
import { SearchTurns } from "./turns.ts";
import { indexedWords } from "./words.ts";

/** Parts whose statements the writer keeps: most changes are of the newest. */
const PARTS_CACHED_MAX = 16;

/** Searches the file of an {@linkcode Fts5Index} that may live on another thread. */
export class Fts5Reader implements SearchReader {
  readonly description: string;
  readonly #path: string;
  readonly #turns: SearchTurns;
  #opened: Statements | null = null;

  /** @param pause Lets the thread do other work between two steps of a search. */
  constructor(path: string, pause: () => Promise<void>) {
    this.#path = path;
    this.#turns = new SearchTurns(pause);
    this.description = describe(path);
  }

  search(request: SearchRequest): Promise<SearchHits> {
    return attempt(`search in "${this.#path}"`, async () => {
      // Opened late, because the writer makes the file, perhaps after this thread began.
      const opened = this.#opened ??= new Statements(openReadOnly(this.#path));
      try {
        const steps = searchSteps(opened, request);
        while (true) {
          const step = await this.#turns.next(() => steps.next());
          if (step.done) return { ids: step.value };
          if (request.isOver?.()) return { ids: [] };
        }
      } catch (error) {
        // The writer may make a damaged file anew: the next search opens what is there then.
        if (this.#opened === opened) {
          this.#opened = null;
          opened.db.close();
        }
        throw error;
      }
    });
  }

  close(): Promise<void> {
    this.#opened?.db.close();
    this.#opened = null;
    return Promise.resolve();
  }
}

/** Fills the embedded index, and searches it. */
export class Fts5Index implements SearchIndex {
  readonly description: string;
  /** Two copies of a large index do not fit every disk. */
  readonly rebuildsInPlace = true;
  /** Cursors and dead letters, on the same connection. */
  readonly state: IndexState;
  readonly #db: DatabaseSync;
  #writer: DocumentWriter | null = null;

  /** Opens or makes the file. The directory must exist. */
  constructor(path: string) {
    this.description = describe(path);
    this.#db = openStateDatabase(path);
    this.state = new IndexState(this.#db);
  }

  prepare(): Promise<PreparedIndex> {
    return attempt("prepare the embedded index", () => {
      this.state.transaction(() => {
        // A cursor of an earlier index of this version may be there, where a newer program has run in between.
        if (migrate(this.#db)) this.state.cursors.forgetAll();
      });
      this.#writer ??= new DocumentWriter(this.#db);
      return { generation: `fts5-v${SCHEMA_VERSION}` };
    });
  }

  apply(changes: readonly IndexChange[], cursor?: Cursor): Promise<BulkResult> {
    invariant(changes.length <= BULK_EVENTS_MAX, "a bulk holds at most BULK_EVENTS_MAX changes");
    return attempt("write the embedded index", () => {
      const writer = this.#writer;
      invariant(writer, "prepare() comes before apply()");
      this.state.transaction(() => {
        const parts = new PartWriter(this.#db);
        for (const change of changes) writer.write(change, parts);
        parts.store();
        if (cursor) this.state.cursors.write(cursor);
      });
      return { retry: [], rejected: [], cursorStored: cursor !== undefined };
    });
  }

  look(): Promise<IndexLook | null> {
    return Promise.resolve(null);
  }

  openSuccessor(generation: string): Promise<SuccessorIndex | null> {
    return attempt("empty the embedded index", () => {
      const begun = `fts5-v${SCHEMA_VERSION}`;
      if (generation === begun) return null;
      this.state.transaction(() => {
        makeTables(this.#db);
        this.state.cursors.forgetAll();
        this.state.beginRebuild(begun);
      });
      this.#writer = new DocumentWriter(this.#db);
      return null;
    });
  }

  succeed(): Promise<void> {
    return Promise.resolve();
  }

  search(request: SearchRequest): Promise<SearchHits> {
    return attempt("search the embedded index", () => {
      const steps = searchSteps(new Statements(this.#db), request);
      let step = steps.next();
      while (!step.done) step = steps.next();
      return { ids: step.value };
    });
  }

  finishRebuild(): Promise<void> {
    return Promise.resolve();
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  count(): Promise<number> {
    return attempt("count the embedded index", () => {
      return this.#db.prepare("SELECT count(*) AS documents FROM document").get()!.documents as number;
    });
  }

  close(): Promise<void> {
    this.state.close();
    return Promise.resolve();
  }
}

/** The statements that write documents, inside a transaction of the caller. */
class DocumentWriter {
  readonly #insert: StatementSync;
  readonly #insertTag: StatementSync;
  readonly #db: DatabaseSync;
  /** By the table of a part: writing words, and removing them. */
  readonly #texts = new LRUCache<string, TextStatements>({ max: PARTS_CACHED_MAX });
  readonly #remove: StatementSync;
  readonly #removeTags: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      `INSERT INTO document (id, pubkey, kind, created_at, expires_at, language, sentiment, is_spam, is_sensitive)
       VALUES (unhex(?), unhex(?), ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
    );
    this.#insertTag = db.prepare("INSERT INTO document_tag VALUES (?, ?)");
    this.#remove = db.prepare("DELETE FROM document WHERE id = unhex(?) RETURNING number");
    this.#removeTags = db.prepare("DELETE FROM document_tag WHERE document = ?");
    this.#db = db;
  }

  write(change: IndexChange, parts: PartWriter): void {
    if (change.type === "remove") return this.#delete(change.id, parts);
    const { document } = change;
    const { changes, lastInsertRowid: number } = this.#insert.run(
      document.id,
      document.pubkey,
      document.kind,
      document.created_at,
      document.expires_at,
      document.language,
      document.sentiment,
      Number(document.isSpam),
      Number(document.isSensitive),
    );
    // An event never changes under its id, so one that is here already is whole.
    if (changes === 0) return;
    for (const tag of document.tags) this.#insertTag.run(number, tag);
    const texts = TEXT_FIELDS.map((field) => indexedWords(document.texts[field] ?? ""));
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    if (characters === 0) return;
    this.#textsOf(parts.assign(number as number, characters)).insert.run(number, ...texts);
  }

  #delete(id: string, parts: PartWriter): void {
    const number = this.#remove.get(id)?.number as number | undefined;
    if (number === undefined) return;
    this.#removeTags.run(number);
    const part = parts.of(number);
    if (part !== undefined) this.#textsOf(part).remove.run(number);
  }

  #textsOf(part: Part): TextStatements {
    const table = tableOf(part);
    let statements = this.#texts.get(table);
    if (statements === undefined) {
      const marks = TEXT_FIELDS.map(() => "?").join(", ");
      statements = {
        insert: this.#db.prepare(
          `INSERT INTO ${table} (rowid, ${TEXT_FIELDS.join(", ")}) VALUES (?, ${marks})`,
        ),
        remove: this.#db.prepare(`DELETE FROM ${table} WHERE rowid = ?`),
      };
      this.#texts.set(table, statements);
    }
    return statements;
  }
}

/** The statements of one part. */
interface TextStatements {
  readonly insert: StatementSync;
  readonly remove: StatementSync;
}

function openReadOnly(path: string): DatabaseSync {
  return openToRead(path, { busyMs: BUSY_MS, queryOnly: true, tempInMemory: true });
}

function describe(path: string): string {
  return `SQLite FTS5 in "${path}"`;
}

/** Runs `work`; whatever SQLite throws means that the index cannot answer. */
async function attempt<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  // The caller sees a rejection, never a throw.
  await Promise.resolve();
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new SearchUnavailableError(`Cannot ${what}: ${error.message}`, { cause: error });
  }
}
