/**
 * Who claims which identifier (NIP-05), whether it was verified, and when it is to be looked at again: a SQLite file of
 * its own, made from the log and made anew where it is lost.
 * `Identities` belongs to the thread that checks; each reader's thread opens a {@linkcode VerifiedAuthors} of its own.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  BUSY_MS,
  NIP05_AGAIN_SECONDS,
  NIP05_AUTHOR_SECONDS_MIN,
  NIP05_AUTHORS_MAX,
  NIP05_DOMAIN_AUTHORS_MAX,
  NIP05_RETRY_SECONDS,
  NIP05_STALE_SECONDS,
} from "../limits.ts";
import { DurableCursors } from "../log/durable_cursor.ts";
import { openToRead, openToWrite } from "../sqlite/open_database.ts";
import { inTransaction } from "../sqlite/transaction.ts";
import type { NostrEvent } from "../nostr/event.ts";
import { claimedIdentifier, type Identifier } from "./identifier.ts";
import type { Verdict } from "./verdict.ts";

/** The name under which the follower keeps its cursor. */
const FOLLOWER = "nip05";
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS identity (
    author TEXT PRIMARY KEY, event TEXT NOT NULL, created_at INTEGER NOT NULL, name TEXT NOT NULL,
    domain TEXT NOT NULL, verified INTEGER NOT NULL, verified_at INTEGER NOT NULL, checked_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS identity_verified ON identity (domain, author) WHERE verified = 1;
  CREATE INDEX IF NOT EXISTS identity_due ON identity (due_at);
  CREATE INDEX IF NOT EXISTS identity_event ON identity (event);
  CREATE INDEX IF NOT EXISTS identity_idle ON identity (checked_at) WHERE verified = 0;`;

const STATEMENTS = {
  find: `SELECT created_at AS createdAt, name, domain, verified_at AS verifiedAt, checked_at AS checkedAt
    FROM identity WHERE author = ?`,
  put:
    `INSERT INTO identity VALUES (?, ?, ?, ?, ?, 0, 0, ?, ?) ON CONFLICT DO UPDATE SET event = excluded.event,
    created_at = excluded.created_at, name = excluded.name, domain = excluded.domain, verified = 0, verified_at = 0,
    due_at = excluded.due_at`,
  confirm: "UPDATE identity SET event = ?, created_at = ? WHERE author = ?",
  remove: "DELETE FROM identity WHERE author = ?",
  removeEvent: "DELETE FROM identity WHERE event = ?",
  count: "SELECT count(*) AS n FROM identity",
  evict: `DELETE FROM identity WHERE author =
    (SELECT author FROM identity WHERE verified = 0 AND checked_at > 0 ORDER BY checked_at LIMIT 1)`,
  due: "SELECT author, name, domain FROM identity WHERE due_at <= ? ORDER BY due_at LIMIT ?",
  postpone: "UPDATE identity SET due_at = ? WHERE author = ?",
  decide: `UPDATE identity SET verified = ?, verified_at = ?, checked_at = ?, due_at = ?
    WHERE author = ? AND name = ? AND domain = ?`,
} as const;

/** An identifier that is to be checked. */
export interface DueIdentity extends Identifier {
  readonly author: string;
}

interface Row extends Identifier {
  readonly createdAt: number;
  readonly verifiedAt: number;
  readonly checkedAt: number;
}

/** See the module's text. */
export class Identities {
  readonly #db: DatabaseSync;
  readonly #cursors: DurableCursors;
  readonly #statements: Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;
  #count: number;

  /** Opens or makes the file. */
  constructor(path: string) {
    this.#db = openToWrite(path, { refusesPrograms: true, busyMs: BUSY_MS, synchronous: "NORMAL" });
    this.#db.exec(SCHEMA);
    this.#cursors = new DurableCursors(this.#db);
    this.#movePlace();
    this.#statements = Object.fromEntries(
      Object.entries(STATEMENTS).map(([name, sql]) => [name, this.#db.prepare(sql)]),
    ) as Record<keyof typeof STATEMENTS, StatementSync>;
    this.#count = this.#statements.count.get()!.n as number;
  }

  /** The last entry of the log that was taken in; 0: none, or the log, whose newest entry is given, is another one. */
  seqWithin(lastSeq: number): number {
    this.#cursors.forgetBeyond(lastSeq);
    return this.#cursors.seqOf(FOLLOWER);
  }

  /** Earlier versions kept the cursor in a table of its own; one that has run since knows better. */
  #movePlace(): void {
    if (this.#db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'place'").get() === undefined) return;
    inTransaction(this.#db, () => {
      const place = this.#db.prepare("SELECT max(seq) AS seq FROM place").get()!.seq as number | null;
      if (place !== null) this.#cursors.write({ follower: FOLLOWER, generation: "", seq: place });
      this.#db.exec("DROP TABLE place");
    });
  }

  /** Takes in profiles and removals, and how far the log was read, at once. */
  apply(profiles: readonly NostrEvent[], removed: readonly string[], seq: number, nowSeconds: number): void {
    inTransaction(this.#db, () => {
      for (const profile of profiles) this.#applyProfile(profile, nowSeconds);
      for (const id of removed) this.#count -= Number(this.#statements.removeEvent.run(id).changes);
      this.#cursors.write({ follower: FOLLOWER, generation: "", seq });
    });
  }

  /** A profile that says what the one before said keeps what is known of it. */
  #applyProfile({ id, pubkey, created_at, content }: NostrEvent, nowSeconds: number): void {
    const before = this.#statements.find.get(pubkey) as unknown as Row | undefined;
    if (before !== undefined && before.createdAt > created_at) return;
    const claimed = claimedIdentifier(content);
    if (claimed === null) {
      this.#count -= Number(this.#statements.remove.run(pubkey).changes);
      return;
    }
    const { name, domain } = claimed;
    if (before?.name === name && before.domain === domain) {
      this.#statements.confirm.run(id, created_at, pubkey);
      return;
    }
    if (before === undefined && !this.#hasRoom()) return;
    // Nobody has the relay ask again and again by changing a profile.
    const checkedAt = before?.checkedAt ?? 0;
    const dueAt = Math.max(nowSeconds, checkedAt + NIP05_AUTHOR_SECONDS_MIN);
    this.#statements.put.run(pubkey, id, created_at, name, domain, checkedAt, dueAt);
    if (before === undefined) this.#count++;
  }

  /** Where all places are taken, who was not verified makes way. */
  #hasRoom(): boolean {
    if (this.#count < NIP05_AUTHORS_MAX) return true;
    this.#count -= Number(this.#statements.evict.run().changes);
    return this.#count < NIP05_AUTHORS_MAX;
  }

  /** At most `max` identifiers that are to be checked, the longest due first. */
  due(nowSeconds: number, max: number): DueIdentity[] {
    return this.#statements.due.all(nowSeconds, max).map((row) => ({ ...row })) as unknown as DueIdentity[];
  }

  /** Has an identifier wait. */
  postpone(author: string, untilSeconds: number): void {
    this.#statements.postpone.run(untilSeconds, author);
  }

  /** Keeps what a check has said. Who does not answer for a while takes nothing back that was verified. */
  decide({ author, name, domain }: DueIdentity, verdict: Verdict, nowSeconds: number): void {
    const before = this.#statements.find.get(author) as unknown as Row | undefined;
    if (before === undefined) return;
    const wasVerified = before.verifiedAt > 0 && nowSeconds - before.verifiedAt < NIP05_STALE_SECONDS;
    const verifiedAt = verdict === "verified"
      ? nowSeconds
      : verdict === "unknown" && wasVerified
      ? before.verifiedAt
      : 0;
    const pause = verdict === "unknown" ? NIP05_RETRY_SECONDS : NIP05_AGAIN_SECONDS;
    this.#statements.decide.run(
      verifiedAt > 0 ? 1 : 0,
      verifiedAt,
      nowSeconds,
      nowSeconds + pause,
      author,
      name,
      domain,
    );
  }

  close(): void {
    this.#db.close();
  }
}

/** Who was verified for a domain, as a thread sees it that searches. */
export class VerifiedAuthors {
  readonly #path: string;
  #db: DatabaseSync | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** The authors of a domain, at most {@linkcode NIP05_DOMAIN_AUTHORS_MAX}; of `among`, where that is given. */
  of(domain: string, among?: readonly string[]): string[] {
    // Opened late: the thread that checks makes the file.
    this.#db ??= openToRead(this.#path, { busyMs: BUSY_MS });
    const chosen = among === undefined ? "" : "AND author IN (SELECT value FROM json_each(?))";
    const statement = this.#db.prepare(
      `SELECT author FROM identity WHERE domain = ? AND verified = 1 ${chosen} ORDER BY author LIMIT ?`,
    );
    const values = among === undefined ? [domain] : [domain, JSON.stringify(among)];
    return statement.all(...values, NIP05_DOMAIN_AUTHORS_MAX).map(({ author }) => author as string);
  }

  close(): void {
    this.#db?.close();
    this.#db = null;
  }
}
