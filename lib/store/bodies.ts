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
import { BODIES_REMEMBERED_CHARS } from "../limits.ts";
import { returnArrays } from "./return_arrays.ts";

/** What the index does not have of an event; `expiresAt` is 0 where it never does. */
export interface Body {
  readonly expiresAt: number;
  readonly text: string;
}

/** The texts of one connection; see the module's text. */
export class Bodies {
  readonly #one: StatementSync;
  readonly #several: StatementSync;
  #young = new Map<number, Body>();
  #old = new Map<number, Body>();
  #youngChars = 0;

  constructor(db: DatabaseSync) {
    this.#one = returnArrays(db.prepare("SELECT seq, expires_at, text FROM body WHERE seq = ?1"));
    this.#several = returnArrays(db.prepare(
      "SELECT b.seq, b.expires_at, b.text FROM json_each(?1) k CROSS JOIN body b ON b.seq = k.value",
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
      const [seq, expiresAt, text] = row as unknown as [number, number, string];
      // Rows come in the order asked for; one that is not there is left out.
      while (asked[next] !== seq) next++;
      bodies[missing[next++]!] = this.#remember(seq, { expiresAt, text });
    }
    return bodies;
  }

  #remember(seq: number, body: Body): Body {
    if (this.#youngChars > BODIES_REMEMBERED_CHARS / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngChars = 0;
    }
    this.#young.set(seq, body);
    this.#youngChars += body.text.length;
    return body;
  }
}
