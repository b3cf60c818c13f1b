/**
 * Carries out requests to vanish (NIP-62): remembers them for good, keeps old events from coming back, and removes what is
 * there in slices, so that a hundred thousand events of one author do not keep the others waiting.
 * The store's thread owns it; every method runs inside a group of the store.
 *
 * A slice goes on after the row where the one before stopped: what would come before it is refused since the request. After
 * the last row the request is no longer pending.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { VANISH_EVENTS_MAX, VANISH_ROWS_MAX } from "../../limits.ts";
import type { NostrEvent } from "../../nostr/event.ts";
import { pubkeyKey, tagKey } from "../../nostr/keys.ts";
import { KIND_GIFT_WRAP, KIND_VANISH } from "../../nostr/kinds.ts";
import type { DeletionFilter } from "./deletion_filter.ts";
import { eventOf, hasPubkey } from "../../nostr/exact.ts";
import { ofBoth } from "./fresh_tables.ts";
import { asksUsToVanish, vanishingKeys } from "../../nostr/vanish.ts";

/** A request that is being carried out, and how far. */
interface Sweep {
  readonly pubkey: string;
  readonly until: number;
  /** The kind of the author's events that is looked at; past the last one it is the gift wraps' turn. */
  kind: number | null;
  age: number;
  idKey: number;
  /** Ids may share a key; with it the place is one row's. */
  seq: number;
}

/** A row of the author's index, or of the tag index. */
interface Row {
  readonly seq: number;
  readonly age: number;
  readonly id_key: number;
  readonly text: string;
}

/** See the module's text. */
export class VanishSweep {
  readonly #ownUrls: readonly string[];
  readonly #filter: DeletionFilter;
  readonly #sql: ReturnType<typeof prepareStatements>;
  #sweep: Sweep | null = null;
  #hasPending = true;

  /** @param filter Gets the keys of all who vanished, so that other events are not looked up. */
  constructor(db: DatabaseSync, filter: DeletionFilter, ownUrls: readonly string[]) {
    this.#ownUrls = ownUrls;
    this.#filter = filter;
    this.#sql = prepareStatements(db);
    for (const row of this.#sql.all.iterate()) this.#remember(row.pubkey as string);
  }

  /** Whether a slice may be due. */
  get hasPending(): boolean {
    return this.#hasPending;
  }

  /** Takes a request that was stored. Those that speak to other relays mean nothing here. */
  request(request: NostrEvent): void {
    if (!asksUsToVanish(request, this.#ownUrls)) return;
    this.#remember(request.pubkey);
    this.#sql.request.run(request.pubkey, request.created_at);
    this.restart();
  }

  /** Whether the event belongs to what its author, or its recipient, has asked to be rid of. */
  hasTaken(event: NostrEvent): boolean {
    return vanishingKeys(event).some((key) => {
      const until = this.#sql.until.get(key)?.until as number | undefined;
      return until !== undefined && event.created_at <= until;
    });
  }

  /** Begins again from what the database says: after a group that was undone, and after a new request. */
  restart(): void {
    this.#sweep = null;
    this.#hasPending = true;
  }

  /** Removes one slice, by calling `remove` for each event of it. */
  removeSome(remove: (seq: number) => void): void {
    const sweep = this.#sweep ??= this.#next();
    if (sweep === null) {
      this.#hasPending = false;
      return;
    }
    let rowsLeft = VANISH_ROWS_MAX;
    let room = VANISH_EVENTS_MAX;
    while (rowsLeft > 0) {
      const rows = this.#rows(sweep, sweep.kind === null ? rowsLeft : Math.min(room, rowsLeft));
      // A call that finds nothing costs about as much as a row.
      rowsLeft -= Math.max(1, rows.length);
      if (rows.length === 0 && !this.#advance(sweep)) return;
      for (const row of rows) {
        sweep.age = row.age;
        sweep.idKey = row.id_key;
        sweep.seq = row.seq;
        if (!this.#isTaken(sweep, row.text)) continue;
        remove(row.seq);
        if (--room === 0) return;
      }
    }
  }

  #next(): Sweep | null {
    const row = this.#sql.pending.get() as { pubkey: string; until: number } | undefined;
    return row === undefined ? null : this.#begin(row.pubkey, row.until);
  }

  #begin(pubkey: string, until: number): Sweep {
    const sweep = { pubkey, until, kind: -1, age: 0, idKey: 0, seq: 0 };
    this.#nextKind(sweep);
    return sweep;
  }

  #rows({ pubkey, kind, age, idKey, seq }: Sweep, most: number): Row[] {
    const rows = kind === null
      ? this.#sql.wraps.all(tagKey("p", pubkey), age, idKey, seq, most)
      : this.#sql.own.all(pubkeyKey(pubkey), kind, age, idKey, seq, most);
    return rows as unknown as Row[];
  }

  #isTaken(sweep: Sweep, text: string): boolean {
    if (sweep.kind !== null) return hasPubkey(text, sweep.pubkey);
    return text !== "" && vanishingKeys(eventOf(text)).includes(sweep.pubkey);
  }

  /** Goes to the next kind, or ends the sweep. Returns whether it goes on. */
  #advance(sweep: Sweep): boolean {
    if (sweep.kind !== null) {
      this.#nextKind(sweep);
      return true;
    }
    this.#sql.done.run(sweep.pubkey);
    this.#sweep = null;
    return false;
  }

  #nextKind(sweep: Sweep): void {
    const author = pubkeyKey(sweep.pubkey);
    let kind = this.#sql.nextKind.get(author, sweep.kind)!.kind as number | null;
    if (kind === KIND_VANISH) kind = this.#sql.nextKind.get(author, kind)!.kind as number | null;
    sweep.kind = kind;
    sweep.age = -sweep.until;
    sweep.idKey = -1;
    sweep.seq = -1;
  }

  #remember(pubkey: string): void {
    this.#filter.add(pubkeyKey(pubkey));
    this.#filter.add(tagKey("p", pubkey));
  }
}

function prepareStatements(db: DatabaseSync) {
  const sql = (text: string): StatementSync => db.prepare(text);
  return {
    all: sql("SELECT pubkey FROM vanish"),
    until: sql("SELECT until FROM vanish WHERE pubkey = ?"),
    pending: sql("SELECT pubkey, until FROM vanish WHERE is_pending = 1 LIMIT 1"),
    request: sql(`INSERT INTO vanish (pubkey, until, is_pending) VALUES (?, ?, 1)
                  ON CONFLICT (pubkey) DO UPDATE SET until = excluded.until, is_pending = 1
                  WHERE excluded.until > until`),
    done: sql("UPDATE vanish SET is_pending = 0 WHERE pubkey = ?"),
    nextKind: sql(
      `SELECT min(kind) AS kind FROM (${
        ofBoth((of) => `SELECT min(kind) AS kind FROM ${of}event WHERE pubkey_key = ?1 AND kind > ?2`)
      })`,
    ),
    own: sql(`${
      ofBoth((of) =>
        `SELECT x.age, x.id_key, x.seq, b.text
         FROM ${of}event x INDEXED BY ${of}event_author CROSS JOIN body b ON b.seq = x.seq
         WHERE x.pubkey_key = ?1 AND x.kind = ?2 AND (x.age, x.id_key, x.seq) > (?3, ?4, ?5)`
      )
    } ORDER BY 1, 2, 3 LIMIT ?6+0`),
    // The text of gift wraps only: everybody may be mentioned by millions of other events.
    wraps: sql(`${
      ofBoth((of) =>
        `SELECT age, id_key, seq,
                CASE kind WHEN ${KIND_GIFT_WRAP}
                  THEN (SELECT b.text FROM body b WHERE b.seq = x.seq) ELSE '' END AS text
         FROM ${of}tag x WHERE tag_key = ?1 AND (age, id_key, seq) > (?2, ?3, ?4)`
      )
    } ORDER BY 1, 2, 3 LIMIT ?5+0`),
  };
}
