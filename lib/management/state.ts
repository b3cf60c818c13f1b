/**
 * The operator's decisions in SQLite, in tables of their own beside the events'.
 * Belongs to the thread that owns the connection. Calls belong outside of the transactions of others: what one of them
 * rolls back would already have been told.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { invariant } from "../invariant.ts";
import { MANAGEMENT_ENTRIES_MAX, MANAGEMENT_ROLES_MAX } from "../limits.ts";
import { StoredInvites } from "./invites.ts";
import {
  type ManagementChange,
  ManagementError,
  type ManagementState,
  type RelayText,
  type Role,
  type Subject,
  type Verdict,
  type VerdictEntry,
} from "./management_state.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS management_verdict (
    subject TEXT NOT NULL, key TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, decided_at INTEGER NOT NULL,
    PRIMARY KEY (subject, key)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS management_text (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS management_role (
    id TEXT PRIMARY KEY, label TEXT NOT NULL, description TEXT NOT NULL, color INTEGER, place INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS management_member (
    role TEXT NOT NULL, pubkey TEXT NOT NULL, PRIMARY KEY (role, pubkey)) STRICT, WITHOUT ROWID;`;

const STATEMENTS = {
  decide: `INSERT INTO management_verdict VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
    SET verdict = excluded.verdict, reason = excluded.reason, decided_at = excluded.decided_at`,
  withdraw: "DELETE FROM management_verdict WHERE subject = ? AND key = ? AND verdict = ?",
  verdict: "SELECT verdict FROM management_verdict WHERE subject = ? AND key = ?",
  entries:
    `SELECT key, reason FROM management_verdict WHERE subject = ? AND verdict = ? ORDER BY decided_at, key`,
  counts: "SELECT subject, verdict, count(*) AS n FROM management_verdict GROUP BY subject, verdict",
  verdicts: "SELECT subject, key, verdict, reason FROM management_verdict ORDER BY decided_at, key",
  texts: "SELECT name, value FROM management_text",
  text: "SELECT value FROM management_text WHERE name = ?",
  setText: "INSERT INTO management_text VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  clearText: "DELETE FROM management_text WHERE name = ?",
  roles:
    `SELECT id, label, description, color, place AS "order" FROM management_role ORDER BY place IS NULL, place, id`,
  role: `SELECT id, label, description, color, place AS "order" FROM management_role WHERE id = ?`,
  putRole:
    `INSERT INTO management_role VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET label = excluded.label,
    description = excluded.description, color = excluded.color, place = excluded.place`,
  countRoles: "SELECT count(*) AS n FROM management_role",
  deleteRole: "DELETE FROM management_role WHERE id = ?",
  deleteMembers: "DELETE FROM management_member WHERE role = ?",
  members: "SELECT pubkey FROM management_member WHERE role = ? ORDER BY pubkey",
  countMembers: "SELECT count(*) AS n FROM management_member",
  assign: "INSERT INTO management_member VALUES (?, ?) ON CONFLICT DO NOTHING",
  unassign: "DELETE FROM management_member WHERE role = ? AND pubkey = ?",
} as const;

/** See the module's text. */
export class SqliteManagementState implements ManagementState {
  readonly #db: DatabaseSync;
  readonly invites: StoredInvites;
  readonly #nowSeconds: () => number;
  readonly #statements: Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;
  /** `subject verdict` → how many. */
  readonly #counts = new Map<string, number>();
  readonly #listeners = new Set<(change: ManagementChange) => void>();

  /** Makes the tables where they are missing. */
  constructor(db: DatabaseSync, nowSeconds: () => number) {
    this.#db = db;
    this.#nowSeconds = nowSeconds;
    db.exec(SCHEMA);
    this.invites = new StoredInvites(db);
    this.#statements = Object.fromEntries(
      Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]),
    ) as Record<keyof typeof STATEMENTS, StatementSync>;
    for (const { subject, verdict, n } of this.#statements.counts.all()) {
      this.#counts.set(`${subject} ${verdict}`, n as number);
    }
  }

  decide(subject: Subject, key: string, verdict: "allowed" | "banned", reason: string): void {
    this.#put(subject, key, verdict, reason);
  }

  report(eventId: string, reason: string): boolean {
    const present = this.verdict("event", eventId);
    if (present === null) this.#put("event", eventId, "pending", reason);
    return present === null || present === "pending";
  }

  #put(subject: Subject, key: string, verdict: Verdict, reason: string): void {
    const before = this.verdict(subject, key);
    if (before !== verdict && this.count(subject, verdict) >= MANAGEMENT_ENTRIES_MAX) {
      throw new ManagementError(
        `Cannot add ${subject} "${key}": ${MANAGEMENT_ENTRIES_MAX} are ${verdict} already`,
      );
    }
    this.#statements.decide.run(subject, key, verdict, reason, this.#nowSeconds());
    if (before !== null) this.#addToCount(subject, before, -1);
    this.#addToCount(subject, verdict, 1);
    this.#tell({ type: "verdict", subject, key, verdict, reason });
  }

  withdraw(subject: Subject, key: string, verdict: Verdict): boolean {
    if (Number(this.#statements.withdraw.run(subject, key, verdict).changes) === 0) return false;
    this.#addToCount(subject, verdict, -1);
    this.#tell({ type: "verdict", subject, key, verdict: null, reason: "" });
    return true;
  }

  verdict(subject: Subject, key: string): Verdict | null {
    return (this.#statements.verdict.get(subject, key)?.verdict ?? null) as Verdict | null;
  }

  entries(subject: Subject, verdict: Verdict): VerdictEntry[] {
    return rows<VerdictEntry>(this.#statements.entries, subject, verdict);
  }

  count(subject: Subject, verdict: Verdict): number {
    return this.#counts.get(`${subject} ${verdict}`) ?? 0;
  }

  #addToCount(subject: Subject, verdict: Verdict, difference: number): void {
    this.#counts.set(`${subject} ${verdict}`, this.count(subject, verdict) + difference);
  }

  text(name: RelayText): string | null {
    return (this.#statements.text.get(name)?.value ?? null) as string | null;
  }

  setText(name: RelayText, value: string | null): void {
    if (value === null) this.#statements.clearText.run(name);
    else this.#statements.setText.run(name, value);
    this.#tell({ type: "text", name, value });
  }

  roles(): Role[] {
    return rows<Role>(this.#statements.roles);
  }

  role(id: string): Role | null {
    return rows<Role>(this.#statements.role, id)[0] ?? null;
  }

  putRole(role: Role): void {
    if (this.role(role.id) === null && this.#countOf("countRoles") >= MANAGEMENT_ROLES_MAX) {
      throw new ManagementError(`Cannot create role "${role.id}": there are ${MANAGEMENT_ROLES_MAX} already`);
    }
    this.#statements.putRole.run(role.id, role.label, role.description, role.color, role.order);
    this.#tell({ type: "role", role });
  }

  deleteRole(id: string): boolean {
    if (this.role(id) === null) return false;
    // A savepoint and no transaction, so that it makes no difference whether one is open.
    this.#db.exec("SAVEPOINT management");
    try {
      this.#statements.deleteMembers.run(id);
      this.#statements.deleteRole.run(id);
    } catch (error) {
      this.#db.exec("ROLLBACK TO management; RELEASE management");
      throw error;
    }
    this.#db.exec("RELEASE management");
    this.#tell({ type: "role-deleted", id });
    return true;
  }

  members(roleId: string): string[] {
    return rows<{ pubkey: string }>(this.#statements.members, roleId).map(({ pubkey }) => pubkey);
  }

  assign(pubkey: string, roleId: string, isAssigned: boolean): void {
    invariant(this.role(roleId) !== null, "a role that is assigned exists");
    if (isAssigned && this.#countOf("countMembers") >= MANAGEMENT_ENTRIES_MAX) {
      throw new ManagementError(
        `Cannot assign role "${roleId}": there are ${MANAGEMENT_ENTRIES_MAX} members already`,
      );
    }
    const { changes } = this.#statements[isAssigned ? "assign" : "unassign"].run(roleId, pubkey);
    if (Number(changes) > 0) this.#tell({ type: "member", pubkey, role: roleId, isAssigned });
  }

  #countOf(statement: "countRoles" | "countMembers"): number {
    return this.#statements[statement].get()!.n as number;
  }

  everything(): ManagementChange[] {
    const verdicts = rows<VerdictEntry & { subject: Subject; verdict: Verdict }>(this.#statements.verdicts);
    const texts = rows<{ name: RelayText; value: string }>(this.#statements.texts);
    const roles = this.roles();
    return [
      ...verdicts.map((row) => ({ type: "verdict" as const, ...row })),
      ...texts.map((row) => ({ type: "text" as const, ...row })),
      ...roles.map((role) => ({ type: "role" as const, role })),
      ...roles.flatMap(({ id }) =>
        this.members(id).map((pubkey) => ({ type: "member" as const, pubkey, role: id, isAssigned: true }))
      ),
    ];
  }

  onChange(listener: (change: ManagementChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(change: ManagementChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Rows as plain objects: SQLite's have no prototype, which matters to comparisons. */
function rows<Row>(statement: StatementSync, ...values: string[]): Row[] {
  return statement.all(...values).map((row) => ({ ...row })) as Row[];
}
