/**
 * The registry in Postgres, for relays that share it. Belongs to the thread of the fan-out, which owns the connections.
 *
 * Every transaction that writes locks the row of the version first, so that writers come one after another and no version
 * becomes visible before a lesser one. Whatever fails, or takes too long, is {@linkcode RegistryAwayError}: the next call
 * tries again, on a new connection where the old one is lost.
 *
 * @module
 */
// @ts-types="@types/pg"
import pg from "pg";
import {
  FANOUT_BOTS_MAX,
  FANOUT_CHANGES_KEPT,
  FANOUT_FOLLOWERS_MAX,
  FANOUT_PAGE_ROWS,
  FANOUT_POSTGRES_CONNECTIONS_MAX,
  FANOUT_POSTGRES_MS_MAX,
  FANOUT_SUBSCRIPTIONS_MAX,
  FANOUT_SUBSCRIPTIONS_SERVED_MAX,
} from "../limits.ts";
import { migratePostgres, POSTGRES_STATEMENTS } from "./postgres_schema.ts";
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

type Row = Readonly<Record<string, unknown>>;
/** Runs a prepared statement by its name. */
type Run = (name: keyof typeof POSTGRES_STATEMENTS, ...values: unknown[]) => Promise<Row[]>;

/** See the module's text. */
export class PostgresRegistry implements Registry {
  readonly #pool: pg.Pool;
  readonly #changesKept: number;
  /** Whether the tables are there; a server that is away may come back as another one. */
  #isMigrated = false;

  /** Connects when it is asked for something. */
  constructor(url: string, { changesKept = FANOUT_CHANGES_KEPT }: RegistryOptions = {}) {
    this.#changesKept = changesKept;
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: "sluice",
      max: FANOUT_POSTGRES_CONNECTIONS_MAX,
      connectionTimeoutMillis: FANOUT_POSTGRES_MS_MAX,
      statement_timeout: FANOUT_POSTGRES_MS_MAX,
      // A server that is silent does not end its statements itself.
      query_timeout: FANOUT_POSTGRES_MS_MAX,
      idle_in_transaction_session_timeout: FANOUT_POSTGRES_MS_MAX,
      keepAlive: true,
    });
    // The end of a connection, idle or not, is found out by whoever asks next.
    this.#pool.on("error", () => {});
    this.#pool.on("connect", (client) => client.on("error", () => {}));
  }

  register({ pubkey, name, nostrPubkey, ethAddress }: Bot): Promise<"done" | "full"> {
    return this.#write(async (run) => {
      const isNew = (await run("bot", pubkey)).length === 0;
      if (isNew && await count(run, "bots") >= FANOUT_BOTS_MAX) return "full";
      await run("register", pubkey, name, nostrPubkey, ethAddress);
      if (isNew) await this.#changed(run, pubkey, "");
      return "done";
    });
  }

  unregister(pubkey: string): Promise<boolean> {
    return this.#write(async (run) => {
      const [bot] = await run("bot", pubkey);
      if (bot === undefined) return false;
      await run("unregister", bot.number);
      await run("gone", bot.number);
      await this.#changed(run, pubkey, "");
      return true;
    });
  }

  hasBot(pubkey: string): Promise<boolean> {
    return this.#ask(async (run) => (await run("bot", pubkey)).length > 0);
  }

  subscribe(subscription: NewSubscription): Promise<"done" | "unknown bot" | "full"> {
    const { bot: pubkey, follower, sealed, since, isByBot } = subscription;
    return this.#write(async (run) => {
      const [bot] = await run("bot", pubkey);
      if (bot === undefined) return "unknown bot";
      const [present] = await run("has", bot.number, follower);
      if (present === undefined && Number(bot.followers) >= FANOUT_FOLLOWERS_MAX) return "full";
      const isMore = !isByBot && present?.by_bot !== false;
      if (isMore && await count(run, "followed", follower) >= FANOUT_SUBSCRIPTIONS_MAX) return "full";
      await run("subscribe", bot.number, follower, sealed && Buffer.from(sealed), since, isByBot);
      if (present === undefined) await run("count", 1, bot.number);
      await this.#changed(run, pubkey, follower);
      return "done";
    });
  }

  unsubscribe(pubkey: string, follower: string): Promise<boolean> {
    return this.#write(async (run) => {
      const [bot] = await run("bot", pubkey);
      if (bot === undefined || (await run("unsubscribe", bot.number, follower)).length === 0) return false;
      await run("count", -1, bot.number);
      await this.#changed(run, pubkey, follower);
      return true;
    });
  }

  bots({ after, max }: Page): Promise<string[]> {
    return this.#ask(async (run) => (await run("botsAfter", after, max)).map(({ key }) => key as string));
  }

  followersOf(bot: string, { after, max }: Page): Promise<string[]> {
    return this.#ask(async (run) =>
      (await run("followersAfter", bot, after, max)).map(({ key }) => key as string)
    );
  }

  subscriptionsOf(follower: string): Promise<Subscription[]> {
    return this.#ask(async (run) =>
      (await run("subscriptionsOf", follower, FANOUT_SUBSCRIPTIONS_SERVED_MAX)).map((
        { bot, sealed, since },
      ) => ({
        bot: bot as string,
        follower,
        sealed: sealed as Uint8Array | null,
        since: Number(since),
      }))
    );
  }

  /** One statement, which sees one moment: no change comes between the version and its rows. */
  changesAfter(version: number): Promise<Changes> {
    return this.#ask(async (run) => {
      const rows = await run("changes", version);
      const newest = Number(rows[0]!.newest);
      const oldest = Number(rows[0]!.oldest);
      if (version > newest || version < oldest - 1) return { version: newest, bots: null, followers: [] };
      const changed = rows.filter(({ bot }) => bot !== null) as { bot: string; follower: string }[];
      return {
        version: newest,
        bots: changed.filter(({ follower }) => follower === "").map(({ bot }) => bot),
        followers: changed.map(({ follower }) => follower).filter((follower) => follower !== ""),
      };
    });
  }

  sweep(): Promise<boolean> {
    return this.#write(async (run) => {
      const [gone] = await run("nextGone");
      if (gone === undefined) return false;
      const swept = await run("sweep", gone.number, FANOUT_PAGE_ROWS);
      if (swept.length < FANOUT_PAGE_ROWS) await run("swept", gone.number);
      return true;
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #changed(run: Run, bot: string, follower: string): Promise<void> {
    const [row] = await run("change", bot, follower);
    await run("forget", Number(row!.version) - this.#changesKept);
  }

  #write<Result>(work: (run: Run) => Promise<Result>): Promise<Result> {
    return this.#ask(async (run) => {
      await run("begin");
      await run("lock");
      const result = await work(run);
      await run("commit");
      return result;
    });
  }

  async #ask<Result>(work: (run: Run) => Promise<Result>): Promise<Result> {
    let client: pg.PoolClient | undefined;
    try {
      client = await this.#pool.connect();
      if (!this.#isMigrated) await migratePostgres(client);
      this.#isMigrated = true;
      const result = await work(runner(client));
      client.release();
      return result;
    } catch (error) {
      // Whatever the connection was doing ends with it.
      client?.release(true);
      this.#isMigrated = false;
      throw new RegistryAwayError((error as Error).message || String(error), { cause: error });
    }
  }
}

function runner(client: pg.PoolClient): Run {
  return async (name, ...values) => {
    const { rows } = await client.query<Row>({ name, text: POSTGRES_STATEMENTS[name], values });
    return rows;
  };
}

async function count(run: Run, name: "bots" | "followed", ...values: unknown[]): Promise<number> {
  return Number((await run(name, ...values))[0]!.n);
}
