/**
 * The parts of the embedded index: each holds the words of documents whose numbers follow each other, in a table of FTS5
 * of its own. To count a word, or to read a prefix, FTS5 walks all that a table has of it in one call which nobody can
 * interrupt, whatever rows are asked for: a part is so small that this is soon done.
 * The indexer's thread writes them; each reader's thread lists them.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { SEARCH_PART_CHARS_MAX, SEARCH_PART_DOCUMENTS_MAX } from "../../limits.ts";
import { TEXT_FIELDS } from "../search_fields.ts";
import { TOKENIZER } from "./words.ts";

/** One part. */
export interface Part {
  readonly part: number;
  /** The least number of its documents. */
  readonly first: number;
  /** Documents that were written to it, and the characters of their words. */
  documents: number;
  characters: number;
}

/** The table of a part's words. */
export function tableOf({ part }: Pick<Part, "part">): string {
  return `document_text_${part}`;
}

/** All parts, those with the newest documents first. */
export function partsOf(db: DatabaseSync): Part[] {
  const sql = "SELECT part, first, documents, characters FROM document_part ORDER BY part DESC";
  return db.prepare(sql).all() as unknown as Part[];
}

/** The writer's side: finds the part of a document, and opens the next where the last is full. */
export class PartWriter {
  readonly #db: DatabaseSync;
  readonly #parts: Part[];
  readonly #changed = new Set<Part>();

  /** Inside the transaction that writes; one of them uses it. */
  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#parts = partsOf(db).reverse();
  }

  /** The part in which a document is, or would be. */
  of(number: number): Part | undefined {
    return this.#parts.findLast(({ first }) => first <= number);
  }

  /** The part that a document's words go to; they are counted there. */
  assign(number: number, characters: number): Part {
    let part = this.of(number);
    const isLast = part === this.#parts.at(-1);
    const isFull = part === undefined || (isLast && (part.documents >= SEARCH_PART_DOCUMENTS_MAX ||
      (part.documents > 0 && part.characters + characters > SEARCH_PART_CHARS_MAX)));
    if (part === undefined || isFull) part = this.#open(number);
    part.documents++;
    part.characters += characters;
    this.#changed.add(part);
    return part;
  }

  /** Keeps what was counted. */
  store(): void {
    const update = this.#db.prepare(
      "UPDATE document_part SET documents = ?, characters = ? WHERE part = ?",
    );
    for (const { part, documents, characters } of this.#changed) update.run(documents, characters, part);
  }

  #open(first: number): Part {
    const part: Part = { part: (this.#parts.at(-1)?.part ?? 0) + 1, first, documents: 0, characters: 0 };
    this.#db.exec(`CREATE VIRTUAL TABLE ${tableOf(part)} USING fts5 (
      ${TEXT_FIELDS.join(", ")}, content = '', contentless_delete = 1, tokenize = "${TOKENIZER}"
    )`);
    this.#db.prepare("INSERT INTO document_part VALUES (?, ?, 0, 0)").run(part.part, first);
    this.#parts.push(part);
    return part;
  }
}
