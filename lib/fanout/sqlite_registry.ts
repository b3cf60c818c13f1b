/**
 * The registry in SQLite, for one relay: `DATA_DIR/fanout.db`.
 * Belongs to the thread of the fan-out, which owns the connection. Secrets come sealed.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  BUSY_MS,
  FANOUT_BOTS_MAX,
  FANOUT_CHANGES_KEPT,
  FANOUT_FOLLOWERS_MAX,
  FANOUT_SUBSCRIPTIONS_MAX,
  FANOUT_SUBSCRIPTIONS_SERVED_MAX,
} from "../limits.ts";
import { openToWrite } from "../sqlite/open_database.ts";
import { inTransaction } from "../sqlite/transaction.ts";
import {
  type Bot,
  type Changes,
  type NewSubscription,
  type Page,
  type Registry,
  RegistryAwayError,
  type Subscription,
} from "./registry.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS bot (
    pubkey TEXT PRIMARY KEY, name TEXT NOT NULL, nostr_pubkey TEXT, eth_address TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS subscription (
    bot TEXT NOT NULL REFERENCES bot ON DELETE CASCADE, follower TEXT NOT NULL, sealed BLOB, since INTEGER NOT NULL,
    by_bot INTEGER NOT NULL, PRIMARY KEY (bot, follower)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS subscription_follower ON subscription (follower, by_bot);
  CREATE TABLE IF NOT EXISTS change (
    version INTEGER PRIMARY KEY, bot TEXT NOT NULL, follower TEXT NOT NULL
  ) STRICT;
`;

const STATEMENTS = {
  bots: "SELECT count(*) AS n FROM (SELECT 1 FROM bot LIMIT ?)",
  followers: "SELECT count(*) AS n FROM (SELECT 1 FROM subscription WHERE bot = ? LIMIT ?)",
  followed: "SELECT count(*) AS n FROM subscription WHERE follower = ? AND by_bot = 0",
  hasBot: "SELECT 1 FROM bot WHERE pubkey = ?",
  has: "SELECT by_bot FROM subscription WHERE bot = ? AND follower = ?",
  register: `INSERT INTO bot VALUES (?, ?, ?, ?) ON CONFLICT (pubkey) DO UPDATE SET
    name = excluded.name, nostr_pubkey = excluded.nostr_pubkey, eth_address = excluded.eth_address`,
  unregister: "DELETE FROM bot WHERE pubkey = ?",
  subscribe: `INSERT INTO subscription VALUES (?, ?, ?, ?, ?) ON CONFLICT (bot, follower) DO UPDATE SET
    sealed = excluded.sealed, by_bot = min(by_bot, excluded.by_bot)`,
  unsubscribe: "DELETE FROM subscription WHERE bot = ? AND follower = ?",
  botsAfter: "SELECT pubkey AS key FROM bot WHERE pubkey > ? ORDER BY pubkey LIMIT ?",
  followersAfter:
    "SELECT follower AS key FROM subscription WHERE bot = ? AND follower > ? ORDER BY follower LIMIT ?",
  subscriptionsOf:
    "SELECT bot, follower, sealed, since FROM subscription WHERE follower = ? ORDER BY by_bot, bot LIMIT ?",
  // A version is never used twice, though old ones go.
  change: "INSERT INTO change SELECT coalesce(max(version), 0) + 1, ?, ? FROM change RETURNING version",
  forget: "DELETE FROM change WHERE version <= ?",
  version: "SELECT coalesce(max(version), 0) AS newest, coalesce(min(version), 1) AS oldest FROM change",
  changes: "SELECT bot, follower FROM change WHERE version > ? ORDER BY version",
} as const;

/** See the module's text. */
export class SqliteRegistry implements Registry {
  readonly #db: DatabaseSync;
  readonly #sql: Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;

  /** Makes the file where there is none; the directory must exist. */
  constructor(path: string) {
    // What was answered survives a power failure.
    this.#db = openToWrite(path, { refusesPrograms: true, busyMs: BUSY_MS, synchronous: "FULL" });
    this.#db.exec(SCHEMA);
    const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, this.#db.prepare(sql)]);
    this.#sql = Object.fromEntries(prepared);
  }

  register({ pubkey, name, nostrPubkey, ethAddress }: Bot): Promise<"done" | "full"> {
    return this.#write(() => {
      const isNew = this.#sql.hasBot.get(pubkey) === undefined;
      if (isNew && this.#count("bots", FANOUT_BOTS_MAX) >= FANOUT_BOTS_MAX) return "full";
      this.#sql.register.run(pubkey, name, nostrPubkey, ethAddress);
      if (isNew) this.#changed(pubkey, "");
      return "done";
    });
  }

  unregister(bot: string): Promise<boolean> {
    return this.#write(() => {
      const is = this.#sql.unregister.run(bot).changes > 0;
      if (is) this.#changed(bot, "");
      return is;
    });
  }

  hasBot(bot: string): Promise<boolean> {
    return this.#ask(() => this.#sql.hasBot.get(bot) !== undefined);
  }

  subscribe(subscription: NewSubscription): Promise<"done" | "unknown bot" | "full"> {
    const { bot, follower, sealed, since, isByBot } = subscription;
    return this.#write(() => {
      if (this.#sql.hasBot.get(bot) === undefined) return "unknown bot";
      const present = this.#sql.has.get(bot, follower);
      if (present === undefined && this.#count("followers", bot, FANOUT_FOLLOWERS_MAX) >= FANOUT_FOLLOWERS_MAX) {
        return "full";
      }
      const isMore = !isByBot && present?.by_bot !== 0;
      if (isMore && this.#count("followed", follower) >= FANOUT_SUBSCRIPTIONS_MAX) return "full";
      this.#sql.subscribe.run(bot, follower, sealed, since, isByBot ? 1 : 0);
      this.#changed(bot, follower);
      return "done";
    });
  }

  unsubscribe(bot: string, follower: string): Promise<boolean> {
    return this.#write(() => {
      const is = this.#sql.unsubscribe.run(bot, follower).changes > 0;
      if (is) this.#changed(bot, follower);
      return is;
    });
  }

  bots({ after, max }: Page): Promise<string[]> {
    return this.#ask(() => this.#sql.botsAfter.all(after, max).map(({ key }) => key as string));
  }

  followersOf(bot: string, { after, max }: Page): Promise<string[]> {
    return this.#ask(() => this.#sql.followersAfter.all(bot, after, max).map(({ key }) => key as string));
  }

  subscriptionsOf(follower: string): Promise<Subscription[]> {
    return this.#ask(() =>
      this.#sql.subscriptionsOf.all(follower, FANOUT_SUBSCRIPTIONS_SERVED_MAX)
        .map((row) => ({ ...row }) as unknown as Subscription)
    );
  }

  changesAfter(version: number): Promise<Changes> {
    return this.#ask(() => {
      const { newest, oldest } = this.#sql.version.get() as { newest: number; oldest: number };
      if (version > newest || version < oldest - 1) return { version: newest, bots: null, followers: [] };
      const rows = this.#sql.changes.all(version) as { bot: string; follower: string }[];
      return {
        version: newest,
        bots: rows.filter(({ follower }) => follower === "").map(({ bot }) => bot),
        followers: rows.map(({ follower }) => follower).filter((follower) => follower !== ""),
      };
    });
  }

  close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
    return Promise.resolve();
  }

  #changed(bot: string, follower: string): void {
    const { version } = this.#sql.change.get(bot, follower) as { version: number };
    this.#sql.forget.run(version - FANOUT_CHANGES_KEPT);
  }

  #count(name: "bots" | "followers" | "followed", ...values: (string | number)[]): number {
    return this.#sql[name].get(...values)!.n as number;
  }

  #write<Result>(work: () => Result): Promise<Result> {
    return this.#ask(() => inTransaction(this.#db, work));
  }

  /** A full or read-only disk, or a file that somebody else holds: it may be over soon. */
  #ask<Result>(work: () => Result): Promise<Result> {
    try {
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(new RegistryAwayError((error as Error).message, { cause: error }));
    }
  }
}
