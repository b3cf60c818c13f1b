/**
 * Texts of events by their seqs: those that were asked for lately from memory, all others by one call. A seq's text never
 * changes, and whoever asks has just found the seq in an index, so that nothing here can be out of date.
 * Belongs to the thread whose connection it reads.
 *
 * What is remembered is in two maps: when the younger one is full it becomes the older one, whose contents are forgotten
 * unless they were asked for meanwhile. So nothing is kept in order and nothing is counted but characters.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { BODIES_REMEMBERED_CHARS, SCAN_TEXT_ALONG_BYTES_MAX } from "../../limits.ts";
import { returnArrays } from "../../sqlite/return_arrays.ts";

/**
 * The text of a row of `body b` that comes with many others, so that no call brings many long ones. SQLite knows the
 * length without reading the text.
 */
export const TEXT_ALONG = `CASE WHEN octet_length(b.text) <= ${SCAN_TEXT_ALONG_BYTES_MAX} THEN b.text END`;

/** What the index does not have of an event; `expiresAt` is 0 where it never does. */
export interface Body {
  readonly expiresAt: number;
  /** Null: it is so long that it is read alone, when its turn comes. */
  readonly text: string | null;
}

/** The texts of one connection; see the module's text. */
export class Bodies {
  readonly #one: StatementSync;
  readonly #several: StatementSync;
  #young = new Map<number, Body>();
  #old = new Map<number, Body>();
  #youngChars = 0;

  constructor(db: DatabaseSync) {
    this.#one = returnArrays(
      db.prepare(`SELECT b.seq, b.expires_at, ${TEXT_ALONG} FROM body b WHERE b.seq = ?1`),
    );
    this.#several = returnArrays(db.prepare(
      `SELECT b.seq, b.expires_at, ${TEXT_ALONG} FROM json_each(?1) k CROSS JOIN body b ON b.seq = k.value`,
    ));
  }

  /** The bodies of seqs that the caller found in its snapshot, in their order. Undefined: it is not in the store. */
  of(seqs: readonly number[]): (Body | undefined)[] {
    const missing: number[] = [];
    const bodies = seqs.map((seq, at) => {
      const body = this.#young.get(seq);
      if (body !== undefined) return body;
      const older = this.#old.get(seq);
      if (older === undefined) missing.push(at);
      else this.#remember(seq, older);
      return older;
    });
    if (missing.length === 0) return bodies;
    const asked = missing.map((at) => seqs[at]!);
    const rows = asked.length === 1 ? this.#one.all(asked[0]!) : this.#several.all(JSON.stringify(asked));
    let next = 0;
    for (const row of rows) {
      const [seq, expiresAt, text] = row as unknown as [number, number, string | null];
      // Rows come in the order asked for; one that is not there is left out.
      while (asked[next] !== seq) next++;
      const body = { expiresAt, text };
      if (text !== null) this.#remember(seq, body);
      bodies[missing[next++]!] = body;
    }
    return bodies;
  }

  #remember(seq: number, body: Body): void {
    if (this.#youngChars > BODIES_REMEMBERED_CHARS / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngChars = 0;
    }
    this.#young.set(seq, body);
    this.#youngChars += body.text?.length ?? 0;
  }
}
