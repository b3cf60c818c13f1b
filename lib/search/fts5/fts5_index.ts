/**
 * The embedded search index: SQLite's FTS5 in the file of the index state.
 * `Fts5Index` belongs to the indexer's thread and writes; each reader's thread opens an `Fts5Reader` of its own.
 *
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { invariant } from "../../invariant.ts";
import { BULK_EVENTS_MAX } from "../../limits.ts";
import { IndexState, openStateDatabase } from "../index_state.ts";
import { TEXT_FIELDS } from "../search_fields.ts";
import {
  type BulkResult,
  type Cursor,
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
import { fts5Query } from "./query.ts";
import { makeTables, migrate, SCHEMA_VERSION } from "./schema.ts";
import { indexedWords } from "./words.ts";

/** How long a reader waits for a lock, ms. In WAL mode only a restarting writer makes it wait. */
const BUSY_MS = 5_000;

/** Searches the file of an {@linkcode Fts5Index} that may live on another thread. */
export class Fts5Reader implements SearchReader {
  readonly description: string;
  readonly #path: string;
  #db: DatabaseSync | null = null;

  constructor(path: string) {
    this.#path = path;
    this.description = describe(path);
  }

  search(request: SearchRequest): Promise<SearchHits> {
    return attempt(`search in "${this.#path}"`, () => {
      // Opened late, because the writer makes the file, perhaps after this thread began.
      this.#db ??= openReadOnly(this.#path);
      try {
        return searchIn(this.#db, request);
      } catch (error) {
        // The writer may make a damaged file anew: the next search opens what is there then.
        this.#db.close();
        this.#db = null;
        throw error;
      }
    });
  }

  close(): Promise<void> {
    this.#db?.close();
    this.#db = null;
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
        if (migrate(this.#db)) this.state.forgetCursors();
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
        for (const change of changes) writer.write(change);
        if (cursor) this.state.writeCursor(cursor);
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
        this.state.forgetCursors();
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
    return attempt("search the embedded index", () => searchIn(this.#db, request));
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
  readonly #insertText: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeTags: StatementSync;
  readonly #removeText: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      `INSERT INTO document (id, pubkey, kind, created_at, expires_at, language, sentiment, is_spam, is_sensitive)
       VALUES (unhex(?), unhex(?), ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
    );
    this.#insertTag = db.prepare("INSERT INTO document_tag VALUES (?, ?)");
    const marks = TEXT_FIELDS.map(() => "?").join(", ");
    this.#insertText = db.prepare(
      `INSERT INTO document_text (rowid, ${TEXT_FIELDS.join(", ")}) VALUES (?, ${marks})`,
    );
    this.#remove = db.prepare("DELETE FROM document WHERE id = unhex(?) RETURNING number");
    this.#removeTags = db.prepare("DELETE FROM document_tag WHERE document = ?");
    this.#removeText = db.prepare("DELETE FROM document_text WHERE rowid = ?");
  }

  write(change: IndexChange): void {
    if (change.type === "remove") return this.#delete(change.id);
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
    if (texts.some((text) => text !== "")) this.#insertText.run(number, ...texts);
  }

  #delete(id: string): void {
    const number = this.#remove.get(id)?.number as number | undefined;
    if (number === undefined) return;
    this.#removeTags.run(number);
    this.#removeText.run(number);
  }
}

function openReadOnly(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true });
  db.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA query_only = 1; PRAGMA temp_store = MEMORY`);
  return db;
}

function searchIn(db: DatabaseSync, request: SearchRequest): SearchHits {
  const query = fts5Query(request);
  if (!query) return { ids: [] };
  return { ids: db.prepare(query.sql).all(...query.parameters).map((row) => row.id as string) };
}

function describe(path: string): string {
  return `SQLite FTS5 in "${path}"`;
}

/** Runs `work` at once; whatever SQLite throws means that the index cannot answer. */
async function attempt<T>(what: string, work: () => T): Promise<T> {
  // The caller sees a rejection, never a throw.
  await Promise.resolve();
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new SearchUnavailableError(`Cannot ${what}: ${error.message}`, { cause: error });
  }
}
