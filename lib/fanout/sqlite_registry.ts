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
  FANOUT_PAGE_ROWS,
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
  type RegistryOptions,
  type Subscription,
} from "./registry.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS bot (
    number INTEGER PRIMARY KEY AUTOINCREMENT, pubkey TEXT NOT NULL UNIQUE, name TEXT NOT NULL, nostr_pubkey TEXT,
    eth_address TEXT, followers INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE IF NOT EXISTS subscription (
    bot INTEGER NOT NULL, follower TEXT NOT NULL, sealed BLOB, since INTEGER NOT NULL, by_bot INTEGER NOT NULL,
    PRIMARY KEY (bot, follower)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS subscription_follower ON subscription (follower, by_bot);
  CREATE TABLE IF NOT EXISTS gone_bot (number INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS change (
    version INTEGER PRIMARY KEY, bot TEXT NOT NULL, follower TEXT NOT NULL
  ) STRICT;
`;

const STATEMENTS = {
  bots: "SELECT count(*) AS n FROM bot",
  bot: "SELECT number, followers FROM bot WHERE pubkey = ?",
  followed: `SELECT count(*) AS n FROM subscription JOIN bot ON bot.number = subscription.bot
    WHERE follower = ? AND by_bot = 0`,
  has: "SELECT by_bot FROM subscription WHERE bot = ? AND follower = ?",
  register: `INSERT INTO bot (pubkey, name, nostr_pubkey, eth_address) VALUES (?, ?, ?, ?)
    ON CONFLICT (pubkey) DO UPDATE SET
    name = excluded.name, nostr_pubkey = excluded.nostr_pubkey, eth_address = excluded.eth_address`,
  unregister: "DELETE FROM bot WHERE number = ?",
  gone: "INSERT INTO gone_bot VALUES (?)",
  nextGone: "SELECT number FROM gone_bot LIMIT 1",
  sweep: `DELETE FROM subscription WHERE bot = ?1 AND follower IN
    (SELECT follower FROM subscription WHERE bot = ?1 LIMIT ?2)`,
  swept: "DELETE FROM gone_bot WHERE number = ?",
  subscribe: `INSERT INTO subscription VALUES (?, ?, ?, ?, ?) ON CONFLICT (bot, follower) DO UPDATE SET
    sealed = excluded.sealed, by_bot = min(by_bot, excluded.by_bot)`,
  unsubscribe: "DELETE FROM subscription WHERE bot = ? AND follower = ?",
  count: "UPDATE bot SET followers = followers + ? WHERE number = ?",
  botsAfter: "SELECT pubkey AS key FROM bot WHERE pubkey > ? ORDER BY pubkey LIMIT ?",
  followersAfter:
    `SELECT follower AS key FROM subscription WHERE bot = (SELECT number FROM bot WHERE pubkey = ?)
    AND follower > ? ORDER BY follower LIMIT ?`,
  subscriptionsOf: `SELECT bot.pubkey AS bot, follower, sealed, since FROM subscription
    JOIN bot ON bot.number = subscription.bot WHERE follower = ? ORDER BY by_bot, bot.pubkey LIMIT ?`,
  // A version is never used twice: the newest stays though old ones go.
  change: "INSERT INTO change SELECT coalesce(max(version), 0) + 1, ?, ? FROM change RETURNING version",
  forget: "DELETE FROM change WHERE version <= ?",
  version: "SELECT coalesce(max(version), 0) AS newest, coalesce(min(version), 1) AS oldest FROM change",
  changes: "SELECT bot, follower FROM change WHERE version > ? ORDER BY version",
} as const;

/** See the module's text. */
export class SqliteRegistry implements Registry {
  readonly #db: DatabaseSync;
  readonly #changesKept: number;
  readonly #sql: Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;

  /** Makes the file where there is none; the directory must exist. */
  constructor(path: string, { changesKept = FANOUT_CHANGES_KEPT }: RegistryOptions = {}) {
    this.#changesKept = changesKept;
    // What was answered survives a power failure.
    this.#db = openToWrite(path, { refusesPrograms: true, busyMs: BUSY_MS, synchronous: "FULL" });
    this.#db.exec(SCHEMA);
    const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, this.#db.prepare(sql)]);
    this.#sql = Object.fromEntries(prepared);
  }

  register({ pubkey, name, nostrPubkey, ethAddress }: Bot): Promise<"done" | "full"> {
    return this.#write(() => {
      const isNew = this.#bot(pubkey) === undefined;
      if (isNew && this.#count("bots") >= FANOUT_BOTS_MAX) return "full";
      this.#sql.register.run(pubkey, name, nostrPubkey, ethAddress);
      if (isNew) this.#changed(pubkey, "");
      return "done";
    });
  }

  unregister(pubkey: string): Promise<boolean> {
    return this.#write(() => {
      const bot = this.#bot(pubkey);
      if (bot === undefined) return false;
      this.#sql.unregister.run(bot.number);
      this.#sql.gone.run(bot.number);
      this.#changed(pubkey, "");
      return true;
    });
  }

  hasBot(pubkey: string): Promise<boolean> {
    return this.#ask(() => this.#bot(pubkey) !== undefined);
  }

  subscribe(subscription: NewSubscription): Promise<"done" | "unknown bot" | "full"> {
    const { bot: pubkey, follower, sealed, since, isByBot } = subscription;
    return this.#write(() => {
      const bot = this.#bot(pubkey);
      if (bot === undefined) return "unknown bot";
      const present = this.#sql.has.get(bot.number, follower);
      if (present === undefined && bot.followers >= FANOUT_FOLLOWERS_MAX) return "full";
      const isMore = !isByBot && present?.by_bot !== 0;
      if (isMore && this.#count("followed", follower) >= FANOUT_SUBSCRIPTIONS_MAX) return "full";
      this.#sql.subscribe.run(bot.number, follower, sealed, since, isByBot ? 1 : 0);
      if (present === undefined) this.#sql.count.run(1, bot.number);
      this.#changed(pubkey, follower);
      return "done";
    });
  }

  unsubscribe(pubkey: string, follower: string): Promise<boolean> {
    return this.#write(() => {
      const bot = this.#bot(pubkey);
      if (bot === undefined || this.#sql.unsubscribe.run(bot.number, follower).changes === 0) return false;
      this.#sql.count.run(-1, bot.number);
      this.#changed(pubkey, follower);
      return true;
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

  sweep(): Promise<boolean> {
    return this.#write(() => {
      const gone = this.#sql.nextGone.get()?.number as number | undefined;
      if (gone === undefined) return false;
      const { changes } = this.#sql.sweep.run(gone, FANOUT_PAGE_ROWS);
      if (changes < FANOUT_PAGE_ROWS) this.#sql.swept.run(gone);
      return true;
    });
  }

  close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
    return Promise.resolve();
  }

  #changed(bot: string, follower: string): void {
    const { version } = this.#sql.change.get(bot, follower) as { version: number };
    this.#sql.forget.run(version - this.#changesKept);
  }

  #bot(pubkey: string): { readonly number: number; readonly followers: number } | undefined {
    return this.#sql.bot.get(pubkey) as { number: number; followers: number } | undefined;
  }

  #count(name: "bots" | "followed", ...values: string[]): number {
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
