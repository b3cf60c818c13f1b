/**
 * What an event was answered with, by the tag index alone: replies, reposts, reactions, zap receipts.
 * Belongs to the thread whose connection it reads.
 *
 * Each author counts once for each way to answer, and nobody for an answer to themself. Zap receipts are all signed by a
 * few services, so each counts; what they say of a payment is not verified. A reaction counts whatever it says.
 * What has expired, and what who asks may not know of, counts for nothing: else an order would tell that it is there.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { SORT_ANSWERS_MAX } from "../limits.ts";
import { dValue, type NostrEvent } from "../nostr/event.ts";
import { pubkeyKey, tagKey } from "../nostr/keys.ts";
import { kindClass } from "../nostr/kinds.ts";
import type { ScanOptions } from "./scan.ts";
import { ofBoth } from "./fresh_tables.ts";
import { returnArrays } from "./return_arrays.ts";

/** Points of an answer by its kind: NIP-10 and NIP-22 replies, NIP-18 reposts, NIP-25 reactions, NIP-57 receipts. */
const POINTS: ReadonlyMap<number, { readonly group: number; readonly points: number }> = new Map([
  [1, { group: 0, points: 2 }],
  [1_111, { group: 0, points: 2 }],
  [6, { group: 1, points: 2 }],
  [16, { group: 1, points: 2 }],
  [7, { group: 2, points: 1 }],
]);
const ZAP_RECEIPT = 9_735;

/** The kinds of answers. */
export const ANSWER_KINDS: readonly number[] = [...POINTS.keys(), ZAP_RECEIPT];

type AnswerRow = [kind: number, age: number, author: number, text: string | null];

/** Points of one event's answers. */
export interface AnswerPoints {
  readonly points: number;
  /** Of answers since the moment that was asked for. */
  readonly recentPoints: number;
  /** Index rows looked at. */
  readonly rows: number;
}

/** Which answers count. */
export interface AnswerOptions extends Pick<ScanOptions, "now" | "mayRead"> {
  /** Seconds: answers from then on are recent. */
  readonly since: number;
}

/** Counts answers on one connection; see the module's text. */
export class AnswerCounts {
  /** `[kind, age, pubkey key]` of the newest events with a tag, where they are answers. */
  readonly #answers: StatementSync;
  /** The same, and their texts. */
  readonly #withTexts: StatementSync;

  constructor(db: DatabaseSync) {
    const expired = "SELECT seq FROM body WHERE expires_at > 0 AND expires_at <= ?3";
    const prepare = (text: string) =>
      returnArrays(db.prepare(
        `SELECT x.kind, x.age, coalesce(f.pubkey_key, e.pubkey_key), ${text}
         FROM (${
          ofBoth((of) =>
            `SELECT kind, age, id_key, seq FROM ${of}tag WHERE tag_key = ?1 AND seq NOT IN (${expired})`
          )
        }
               ORDER BY age, id_key LIMIT ?2+0) x
         LEFT JOIN fresh_event f ON f.seq = x.seq LEFT JOIN event e ON e.seq = x.seq AND f.seq IS NULL
         WHERE x.kind IN (${ANSWER_KINDS.join()})`,
      ));
    this.#answers = prepare("NULL");
    this.#withTexts = prepare("(SELECT b.text FROM body b WHERE b.seq = x.seq)");
  }

  /**
   * Counts answers among the newest `SORT_ANSWERS_MAX` events that name an event; of an addressable one those that name its
   * address, which outlives its versions.
   */
  of(event: NostrEvent, { since, now, mayRead }: AnswerOptions): AnswerPoints {
    const statement = mayRead ? this.#withTexts : this.#answers;
    const rows = statement.all(answerKey(event), SORT_ANSWERS_MAX, now) as unknown as AnswerRow[];
    const own = pubkeyKey(event.pubkey);
    const seen = new Set<string>();
    let points = 0;
    let recentPoints = 0;
    for (const [kind, age, author, text] of rows) {
      if (author === own || (mayRead && (text === null || !mayRead(text)))) continue;
      let worth = 1;
      if (kind !== ZAP_RECEIPT) {
        const way = POINTS.get(kind)!;
        const name = `${way.group}:${author}`;
        if (seen.has(name)) continue;
        seen.add(name);
        worth = way.points;
      }
      points += worth;
      if (-age >= since) recentPoints += worth;
    }
    return { points, recentPoints, rows: rows.length };
  }
}

function answerKey(event: NostrEvent): number {
  if (kindClass(event.kind) !== "addressable") return tagKey("e", event.id);
  return tagKey("a", `${event.kind}:${event.pubkey}:${dValue(event)}`);
}
