/**
 * The writing side of the store: what NIP-01, NIP-09, NIP-40 and NIP-62 say about keeping an event, in SQL.
 * The store's thread owns it and is the only one that writes; it knows no thread itself.
 *
 * Every change takes the next `seq` in the same transaction: the log is nothing apart from the tables.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { invariant } from "../../invariant.ts";
import { FRESH_EVENTS_MAX } from "../../limits.ts";
import { dValue, isHex64, type NostrEvent } from "../../nostr/event.ts";
import { addressKey, idKey, pubkeyKey } from "../../nostr/keys.ts";
import { KIND_DELETION, KIND_GIFT_WRAP, KIND_VANISH, kindClass } from "../../nostr/kinds.ts";
import { eventFacts, FLAG_ADDRESS, FLAG_DELETION, type PackedEvent } from "../../nostr/packed_event.ts";
import { eventOf, hasId, idOf } from "../../nostr/exact.ts";
import { FreshTables, ofBoth } from "./fresh_tables.ts";
import { DeletionFilter } from "./deletion_filter.ts";
import { LAST_SEQ } from "../../log/log_rows.ts";
import { TagWriter } from "./tag_writer.ts";
import { addressOf, deletersOf, deletionTargets } from "./deletion.ts";
import { VanishSweep } from "./vanish_sweep.ts";

/** What became of an event. */
export type AddOutcome = "stored" | "duplicate" | "deleted" | "vanished" | "superseded";

/** Why an event left the store. */
type RemovalReason = "replaced" | "deleted" | "expired" | "vanished";

/** One removal of the log. */
export interface Removal {
  readonly seq: number;
  readonly id: string;
  readonly reason: RemovalReason;
}

const decoder = new TextDecoder();

/** Writes events and removals; see the module's text. */
export class EventStore {
  readonly #db: DatabaseSync;
  readonly #tags: TagWriter;
  readonly #fresh: FreshTables;
  readonly #sql: ReturnType<typeof prepareStatements>;
  readonly #deletions = new DeletionFilter();
  readonly #vanish: VanishSweep;
  #lastSeq: number;
  #seqAtBegin = 0;
  /** The seq that the last `add` gave its event, where it said "stored". */
  addedSeq = 0;
  /** Removals of the open transaction, for the tail. */
  removals: Removal[] = [];

  /**
   * @param ownUrls The relay's, by which requests to vanish name it (NIP-62).
   * @param freshEventsMax Fresh events at which their merge is due.
   */
  constructor(db: DatabaseSync, ownUrls: readonly string[] = [], freshEventsMax = FRESH_EVENTS_MAX) {
    this.#db = db;
    this.#tags = new TagWriter(db);
    this.#fresh = new FreshTables(db, freshEventsMax);
    this.#sql = prepareStatements(db);
    this.#lastSeq = this.#sql.lastSeq.get()!.seq as number;
    for (const row of db.prepare("SELECT target_key FROM deletion").iterate()) {
      this.#deletions.add(row.target_key as number);
    }
    this.#vanish = new VanishSweep(db, this.#deletions, ownUrls);
  }

  /** The newest entry of the log. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Begins a group. */
  begin(): void {
    this.#sql.begin.run();
    this.#seqAtBegin = this.#lastSeq;
    this.removals = [];
  }

  /** Ends the group; when this returns, everything added since `begin` is as durable as was configured. */
  commit(): void {
    this.#sql.commit.run();
  }

  /** Undoes the group. */
  rollback(): void {
    this.#lastSeq = this.#seqAtBegin;
    this.removals = [];
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    this.#vanish.restart();
  }

  /** Whether so much is fresh that `settle` should be called. */
  get isMergeDue(): boolean {
    return this.#fresh.isFull;
  }

  /** Moves the fresh events into the settled tables; a group of its own. If it throws, they stay where they are. */
  mergeFresh(): void {
    this.begin();
    try {
      this.#fresh.move();
      this.commit();
    } catch (error) {
      this.rollback();
      throw error;
    }
    this.#fresh.moved();
  }

  /** Writes a page and changes nothing, to find out whether the disk takes writes; a group of its own. */
  touch(): void {
    const version = this.#db.prepare("PRAGMA user_version").get()!.user_version as number;
    this.begin();
    try {
      this.#db.exec(`PRAGMA user_version = ${version}`);
      this.commit();
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** Adds one event of a kind that is stored; inside a group. */
  add(event: PackedEvent): AddOutcome {
    if (this.#sql.present.get(event.idKey) !== undefined || this.#mayBeDeleted(event)) {
      const known = this.#resolveKnown(event);
      if (known !== null) return known;
    }
    if (event.flags & FLAG_ADDRESS && this.#replaceOlder(event) === "superseded") return "superseded";
    const seq = this.#insert(event);
    this.addedSeq = seq;
    if (event.flags & FLAG_DELETION) this.#applyDeletion(eventOf(decoder.decode(event.text.slice())), seq);
    if (event.kind === KIND_VANISH) this.#vanish.request(eventOf(decoder.decode(event.text.slice())));
    return "stored";
  }

  /** Removes events that expired at or before `nowSeconds` (NIP-40), at most `max` of them; inside a group. */
  expire(nowSeconds: number, max: number): number {
    const expired = this.#sql.expired.all(nowSeconds, max);
    for (const row of expired) this.#remove(row.seq as number, "expired");
    return expired.length;
  }

  /** Whether anything has expired at `nowSeconds`: a cheap question, asked outside a group. */
  hasExpired(nowSeconds: number): boolean {
    return this.#sql.expired.get(nowSeconds, 1) !== undefined;
  }

  /** Whether authors have asked to vanish whose events are not all removed yet (NIP-62). */
  get isVanishing(): boolean {
    return this.#vanish.hasPending;
  }

  /** Removes a bounded number of such events; inside a group. */
  vanishSome(): void {
    this.#vanish.removeSome((seq) => this.#remove(seq, "vanished"));
  }

  /** Whether a request to delete or to vanish may concern the event. */
  #mayBeDeleted(event: PackedEvent): boolean {
    if (this.#deletions.mayHave(event.idKey) || this.#deletions.mayHave(event.pubkeyKey)) return true;
    if (event.kind === KIND_GIFT_WRAP) {
      for (let tag = 0; tag < event.tagCount; tag++) {
        if (this.#deletions.mayHave(event.tagKey(tag))) return true;
      }
    }
    return (event.flags & FLAG_ADDRESS) !== 0 && this.#deletions.mayHave(event.addressKey);
  }

  /** The slow path: some key was found. Says what the event's fate is, or null: the keys only collided. */
  #resolveKnown(event: PackedEvent): AddOutcome | null {
    const parsed = eventOf(decoder.decode(event.text.slice()));
    for (const row of this.#sql.byIdKey.all(event.idKey)) {
      if (hasId(row.text as string, parsed.id)) return "duplicate";
    }
    if (this.#vanish.hasTaken(parsed)) return "vanished";
    return this.#isDeleted(parsed) ? "deleted" : null;
  }

  #isDeleted(event: NostrEvent): boolean {
    if (isUndeletable(event)) return false;
    const blocks = (targetKey: number, deleter: string) =>
      this.#sql.deletionsOf.all(targetKey, pubkeyKey(deleter)).some((row) => {
        const request = eventOf(row.text as string);
        return request.pubkey === deleter && deletionTargets(request, event);
      });
    const key = idKey(event.id);
    if (deletersOf(event).some((deleter) => blocks(key, deleter))) return true;
    const d = addressOf(event);
    return d !== null && blocks(addressKey(event.kind, event.pubkey, d.d), event.pubkey);
  }

  /** Removes the older event of the same address, unless the one that is there wins (newest, then lowest id). */
  #replaceOlder(event: PackedEvent): "superseded" | "free" {
    const rows = this.#sql.byAddress.all(event.addressKey);
    if (rows.length === 0) return "free";
    const arriving = eventOf(decoder.decode(event.text.slice()));
    for (const row of rows) {
      const present = eventOf(row.text as string);
      if (!sameAddress(present, arriving)) continue;
      const wins = present.created_at > arriving.created_at ||
        (present.created_at === arriving.created_at && present.id < arriving.id);
      if (wins) return "superseded";
      this.#remove(row.seq as number, "replaced");
    }
    return "free";
  }

  #insert(event: PackedEvent): number {
    const seq = ++this.#lastSeq;
    const age = -event.createdAt;
    this.#sql.insertEvent.run(seq, event.idKey, event.pubkeyKey, event.kind, age);
    this.#sql.insertBody.run(seq, event.expiresAt, event.text);
    this.#tags.insert(event, age, seq);
    this.#fresh.added(event.tagCount);
    if (event.flags & FLAG_ADDRESS) this.#sql.insertAddress.run(event.addressKey, seq);
    return seq;
  }

  /** NIP-09: remembers each target, so that it stays away, and removes those of the author that are here. */
  #applyDeletion(request: NostrEvent, seq: number): void {
    const author = pubkeyKey(request.pubkey);
    for (const tag of request.tags) {
      const value = tag[1];
      if (value === undefined) continue;
      if (tag[0] === "e" && isHex64(value)) this.#deleteById(value, author, request, seq);
      if (tag[0] === "a") this.#deleteByAddress(value, author, request, seq);
    }
  }

  #deleteById(id: string, author: number, request: NostrEvent, seq: number): void {
    const key = idKey(id);
    this.#remember(key, author, seq);
    for (const row of this.#sql.byIdKey.all(key)) this.#removeIfTarget(row, request);
  }

  #deleteByAddress(address: string, author: number, request: NostrEvent, seq: number): void {
    const [kind, pubkey, ...d] = address.split(":");
    if (pubkey !== request.pubkey || !/^\d{1,5}$/.test(kind!)) return;
    const key = addressKey(Number(kind), pubkey, d.join(":"));
    this.#remember(key, author, seq);
    for (const row of this.#sql.byAddress.all(key)) this.#removeIfTarget(row, request);
  }

  #remember(target: number, author: number, seq: number): void {
    this.#sql.insertDeletion.run(target, author, seq);
    this.#deletions.add(target);
  }

  #removeIfTarget(row: Record<string, unknown>, request: NostrEvent): void {
    const event = eventOf(row.text as string);
    if (isUndeletable(event) || !deletersOf(event).includes(request.pubkey)) return;
    if (deletionTargets(request, event)) this.#remove(row.seq as number, "deleted");
  }

  /** A request to delete that leaves the store (it expired, or its author vanished) deletes nothing any more. */
  #forgetDeletion(request: NostrEvent, seq: number): void {
    const author = pubkeyKey(request.pubkey);
    for (const target of deletionKeys(request)) this.#sql.deleteDeletion.run(target, author, seq);
  }

  #remove(eventSeq: number, reason: RemovalReason): void {
    const row = this.#sql.bySeq.get(eventSeq);
    invariant(row !== undefined, "an event to remove exists");
    const facts = eventFacts(eventOf(row.text as string));
    // It is in one of them.
    if (this.#sql.deleteFresh.run(eventSeq).changes === 0) this.#sql.deleteEvent.run(eventSeq);
    this.#sql.deleteBody.run(eventSeq);
    this.#tags.remove(facts, eventSeq);
    if (facts.flags & FLAG_ADDRESS) this.#sql.deleteAddress.run(facts.addressKey, eventSeq);
    if (facts.flags & FLAG_DELETION) this.#forgetDeletion(facts.event, eventSeq);
    const id = idOf(row.text as string);
    const seq = ++this.#lastSeq;
    this.#sql.insertRemoval.run(seq, eventSeq, id, reason, -facts.event.created_at);
    this.removals.push({ seq, id, reason });
  }
}

/** A deletion has no effect on a deletion (NIP-09), nor on a request to vanish (NIP-62). */
function isUndeletable(event: NostrEvent): boolean {
  return event.kind === KIND_DELETION || event.kind === KIND_VANISH;
}

/** The keys of everything that a request to delete may have been remembered under. */
function deletionKeys(request: NostrEvent): number[] {
  return request.tags.flatMap(([name, value]) => {
    if (name === "e" && isHex64(value)) return [idKey(value)];
    if (name !== "a" || value === undefined) return [];
    const [kind, pubkey, ...d] = value.split(":");
    return pubkey === undefined ? [] : [addressKey(Number(kind), pubkey, d.join(":"))];
  });
}

function sameAddress(a: NostrEvent, b: NostrEvent): boolean {
  if (a.kind !== b.kind || a.pubkey !== b.pubkey) return false;
  return kindClass(a.kind) !== "addressable" || dValue(a) === dValue(b);
}

function prepareStatements(db: DatabaseSync) {
  const sql = (text: string): StatementSync => db.prepare(text);
  return {
    begin: sql("BEGIN IMMEDIATE"),
    commit: sql("COMMIT"),
    lastSeq: sql(`SELECT ${LAST_SEQ} AS seq`),
    present: sql(ofBoth((of) => `SELECT 1 FROM ${of}event WHERE id_key = ?1`)),
    byIdKey: sql(
      ofBoth((of) =>
        `SELECT e.seq, b.text FROM ${of}event e JOIN body b ON b.seq = e.seq WHERE e.id_key = ?1`
      ),
    ),
    byAddress: sql(
      "SELECT a.seq, b.text FROM address a JOIN body b ON b.seq = a.seq WHERE a.address_key = ?",
    ),
    bySeq: sql("SELECT text FROM body WHERE seq = ?"),
    deletionsOf: sql(`SELECT b.text FROM deletion d JOIN body b ON b.seq = d.by_seq
                      WHERE d.target_key = ? AND d.pubkey_key = ?`),
    expired: sql("SELECT seq FROM body WHERE expires_at > 0 AND expires_at <= ? LIMIT ?+0"),
    insertEvent: sql("INSERT INTO fresh_event (seq, id_key, pubkey_key, kind, age) VALUES (?, ?, ?, ?, ?)"),
    insertBody: sql("INSERT INTO body (seq, expires_at, text) VALUES (?, ?, CAST(? AS TEXT))"),
    insertAddress: sql("INSERT INTO address (address_key, seq) VALUES (?, ?)"),
    insertDeletion: sql("INSERT OR IGNORE INTO deletion (target_key, pubkey_key, by_seq) VALUES (?, ?, ?)"),
    deleteDeletion: sql("DELETE FROM deletion WHERE target_key = ? AND pubkey_key = ? AND by_seq = ?"),
    insertRemoval: sql("INSERT INTO removal (seq, event_seq, id, reason, age) VALUES (?, ?, ?, ?, ?)"),
    deleteFresh: sql("DELETE FROM fresh_event WHERE seq = ?"),
    deleteEvent: sql("DELETE FROM event WHERE seq = ?"),
    deleteBody: sql("DELETE FROM body WHERE seq = ?"),
    deleteAddress: sql("DELETE FROM address WHERE address_key = ? AND seq = ?"),
  };
}
