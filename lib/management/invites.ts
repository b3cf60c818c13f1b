/**
 * Invite codes (NIP-43) in SQLite, beside the operator's decisions. A code is good until it expires or is used up; an
 * expired one is known for a while, so that its bearer can be told.
 * Belongs to the thread that owns the connection.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { INVITE_EXPIRED_SECONDS } from "../limits.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS management_invite (
    code TEXT PRIMARY KEY, inviter TEXT NOT NULL, expires_at INTEGER NOT NULL, uses_left INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS management_invite_of ON management_invite (inviter, expires_at);
  CREATE INDEX IF NOT EXISTS management_invite_age ON management_invite (expires_at);`;

const STATEMENTS = {
  put: "INSERT INTO management_invite VALUES (?, ?, ?, ?)",
  find:
    "SELECT inviter, expires_at AS expiresAt, uses_left AS usesLeft FROM management_invite WHERE code = ?",
  use: "UPDATE management_invite SET uses_left = uses_left - 1 WHERE code = ?",
  open: `SELECT code FROM management_invite WHERE inviter = ? AND expires_at > ? AND uses_left > 0
    ORDER BY expires_at DESC`,
  purge: "DELETE FROM management_invite WHERE expires_at < ?",
  withdraw: "DELETE FROM management_invite WHERE inviter = ?",
  count: "SELECT count(*) AS n FROM management_invite",
} as const;

/** One code. */
interface Invite {
  /** Whose it is. */
  readonly inviter: string;
  /** Seconds. */
  readonly expiresAt: number;
  /** Keys that may still join by it. */
  readonly usesLeft: number;
}

/** See the module's text. */
export class StoredInvites {
  readonly #statements: Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;

  /** Makes the table where it is missing. */
  constructor(db: DatabaseSync) {
    db.exec(SCHEMA);
    this.#statements = Object.fromEntries(
      Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]),
    ) as Record<keyof typeof STATEMENTS, StatementSync>;
  }

  put(code: string, { inviter, expiresAt, usesLeft }: Invite): void {
    this.#statements.put.run(code, inviter, expiresAt, usesLeft);
  }

  find(code: string): Invite | null {
    const row = this.#statements.find.get(code);
    return row === undefined ? null : { ...row } as unknown as Invite;
  }

  /** Uses a code that {@linkcode find} has found good. */
  use(code: string): void {
    this.#statements.use.run(code);
  }

  /** The good codes of a key, the one that lives longest first. */
  openOf(inviter: string, nowSeconds: number): string[] {
    return this.#statements.open.all(inviter, nowSeconds).map(({ code }) => code as string);
  }

  /** Forgets what has expired so long ago that nobody need be told. */
  purge(nowSeconds: number): void {
    this.#statements.purge.run(nowSeconds - INVITE_EXPIRED_SECONDS);
  }

  /** Takes all codes of a key back. */
  withdraw(inviter: string): void {
    this.#statements.withdraw.run(inviter);
  }

  get count(): number {
    return this.#statements.count.get()!.n as number;
  }
}
