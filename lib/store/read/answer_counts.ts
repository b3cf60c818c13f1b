/**
 * What an event was answered with, by the tag index alone: replies, reposts, reactions, zap receipts.
 * Belongs to the thread whose connection it reads.
 *
 * Each author counts once for each way to answer, and nobody for an answer to themself. Zap receipts are all signed by a
 * few services, so each counts; what they say of a payment is not verified. A reaction counts whatever it says.
 * What has expired, and what who asks may not know of, counts for nothing: else an order would tell that it is there.
 * Texts are read one by one, and only of answers that would count.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { SCAN_ROW_CHARS, SORT_ANSWERS_MAX, SORT_ANSWERS_ROWS_MAX } from "../../limits.ts";
import { dValue, type NostrEvent } from "../../nostr/event.ts";
import { pubkeyKey, tagKey } from "../../nostr/keys.ts";
import { kindClass } from "../../nostr/kinds.ts";
import type { ScanOptions } from "./scan.ts";
import { ofBoth } from "../write/fresh_tables.ts";
import { returnArrays } from "../../sqlite/return_arrays.ts";

/** Points of an answer by its kind: NIP-10 and NIP-22 replies, NIP-18 reposts, NIP-25 reactions, NIP-57 receipts. */
const POINTS: ReadonlyMap<number, { readonly group: number; readonly points: number }> = new Map([
  [1, { group: 0, points: 2 }],
  [1_111, { group: 0, points: 2 }],
  [6, { group: 1, points: 2 }],
  [16, { group: 1, points: 2 }],
  [7, { group: 2, points: 1 }],
]);
const ZAP_RECEIPT = 9_735;
/** Each counts, whoever signed it. */
const RECEIPT = { group: -1, points: 1 };

/** The kinds of answers. */
export const ANSWER_KINDS: readonly number[] = [...POINTS.keys(), ZAP_RECEIPT];

type AnswerRow = [kind: number, age: number, author: number, seq: number, expiresAt: number];

/** Points of one event's answers. */
interface AnswerPoints {
  readonly points: number;
  /** Of answers since the moment that was asked for. */
  readonly recentPoints: number;
  /** Index rows looked at; a long text counts as several. */
  readonly rows: number;
}

/** Which answers count. */
export interface AnswerOptions extends Pick<ScanOptions, "now" | "mayRead"> {
  /** Seconds: answers from then on are recent. */
  readonly since: number;
}

/** Counts answers on one connection; see the module's text. */
export class AnswerCounts {
  /** The newest events with a tag. */
  readonly #answers: StatementSync;
  readonly #text: StatementSync;

  constructor(db: DatabaseSync) {
    const tagged = ofBoth((of) => `SELECT kind, age, id_key, seq FROM ${of}tag WHERE tag_key = ?1`);
    // What has expired counts in the limit: else those that stand before all others would be passed each time.
    this.#answers = returnArrays(db.prepare(
      `SELECT x.kind, x.age, coalesce(f.pubkey_key, e.pubkey_key), x.seq, b.expires_at
       FROM (${tagged} ORDER BY age, id_key LIMIT ?2+0) x CROSS JOIN body b ON b.seq = x.seq
       LEFT JOIN fresh_event f ON f.seq = x.seq LEFT JOIN event e ON e.seq = x.seq AND f.seq IS NULL`,
    ));
    this.#text = returnArrays(db.prepare("SELECT text FROM body WHERE seq = ?1"));
  }

  /**
   * Counts answers among the newest `SORT_ANSWERS_MAX` events that name an event; of an addressable one those that name its
   * address, which outlives its versions. It ends after `SORT_ANSWERS_ROWS_MAX` rows.
   */
  of(event: NostrEvent, { since, now, mayRead }: AnswerOptions): AnswerPoints {
    const found = this.#answers.all(answerKey(event), SORT_ANSWERS_MAX) as unknown as AnswerRow[];
    const own = pubkeyKey(event.pubkey);
    const seen = new Set<string>();
    const budget = { chars: (SORT_ANSWERS_ROWS_MAX - found.length) * SCAN_ROW_CHARS };
    const { chars } = budget;
    let points = 0;
    let recentPoints = 0;
    for (const [kind, age, author, seq, expiresAt] of found) {
      if (budget.chars <= 0) break;
      const way = kind === ZAP_RECEIPT ? RECEIPT : POINTS.get(kind);
      if (way === undefined || author === own || (expiresAt > 0 && expiresAt <= now)) continue;
      const name = way === RECEIPT ? null : `${way.group}:${author}`;
      if (name !== null && seen.has(name)) continue;
      if (mayRead && !this.#isKnown(seq, mayRead, budget)) continue;
      if (name !== null) seen.add(name);
      points += way.points;
      if (-age >= since) recentPoints += way.points;
    }
    return { points, recentPoints, rows: found.length + Math.floor((chars - budget.chars) / SCAN_ROW_CHARS) };
  }

  /** Whether who asks may know of the event; its text is read, and charged. */
  #isKnown(seq: number, mayRead: (text: string) => boolean, budget: { chars: number }): boolean {
    const [text] = (this.#text.get(seq) ?? [null]) as unknown as [string | null];
    budget.chars -= text?.length ?? 0;
    return text !== null && mayRead(text);
  }
}

function answerKey(event: NostrEvent): number {
  if (kindClass(event.kind) !== "addressable") return tagKey("e", event.id);
  return tagKey("a", `${event.kind}:${event.pubkey}:${dValue(event)}`);
}
