/**
 * The tables of the registry in Postgres, how they are made, and every statement by its name. Names begin with `sluice_`,
 * since the database may be others' too.
 * Runs on the thread of the fan-out; no state.
 *
 * @module
 */
import type { PoolClient } from "pg";

/** A number that other programs are unlikely to lock: `slui` in ASCII. */
const MIGRATION_LOCK = 0x736c7569;

/** Statements that make version n + 1 of the schema of version n. Never changed, only added to. */
const MIGRATIONS = [
  `CREATE TABLE sluice_bot (
     number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pubkey text COLLATE "C" NOT NULL UNIQUE, name text NOT NULL,
     nostr_pubkey text, eth_address text, followers bigint NOT NULL DEFAULT 0
   );
   CREATE TABLE sluice_subscription (
     bot bigint NOT NULL, follower text COLLATE "C" NOT NULL, sealed bytea, since bigint NOT NULL,
     by_bot boolean NOT NULL, PRIMARY KEY (bot, follower)
   );
   CREATE INDEX sluice_subscription_follower ON sluice_subscription (follower, by_bot);
   CREATE TABLE sluice_gone_bot (number bigint PRIMARY KEY);
   CREATE TABLE sluice_change (version bigint PRIMARY KEY, bot text NOT NULL, follower text NOT NULL);
   CREATE TABLE sluice_version (one boolean PRIMARY KEY CHECK (one), version bigint NOT NULL);
   INSERT INTO sluice_version VALUES (true, 0);`,
];

/** Prepared on each connection when it is first used. */
export const POSTGRES_STATEMENTS = {
  begin: "BEGIN",
  commit: "COMMIT",
  lock: "SELECT version FROM sluice_version FOR UPDATE",
  bots: "SELECT count(*) AS n FROM sluice_bot",
  bot: "SELECT number, followers FROM sluice_bot WHERE pubkey = $1",
  followed: `SELECT count(*) AS n FROM sluice_subscription s JOIN sluice_bot b ON b.number = s.bot
    WHERE s.follower = $1 AND NOT s.by_bot`,
  has: "SELECT by_bot FROM sluice_subscription WHERE bot = $1 AND follower = $2",
  register: `INSERT INTO sluice_bot (pubkey, name, nostr_pubkey, eth_address) VALUES ($1, $2, $3, $4)
    ON CONFLICT (pubkey) DO UPDATE SET
    name = excluded.name, nostr_pubkey = excluded.nostr_pubkey, eth_address = excluded.eth_address`,
  unregister: "DELETE FROM sluice_bot WHERE number = $1",
  gone: "INSERT INTO sluice_gone_bot VALUES ($1)",
  nextGone: "SELECT number FROM sluice_gone_bot LIMIT 1",
  sweep: `DELETE FROM sluice_subscription WHERE bot = $1 AND follower IN
    (SELECT follower FROM sluice_subscription WHERE bot = $1 LIMIT $2) RETURNING 1`,
  swept: "DELETE FROM sluice_gone_bot WHERE number = $1",
  subscribe:
    `INSERT INTO sluice_subscription VALUES ($1, $2, $3, $4, $5) ON CONFLICT (bot, follower) DO UPDATE SET
    sealed = excluded.sealed, by_bot = sluice_subscription.by_bot AND excluded.by_bot`,
  unsubscribe: "DELETE FROM sluice_subscription WHERE bot = $1 AND follower = $2 RETURNING 1",
  count: "UPDATE sluice_bot SET followers = followers + $1 WHERE number = $2",
  botsAfter: "SELECT pubkey AS key FROM sluice_bot WHERE pubkey > $1 ORDER BY pubkey LIMIT $2",
  followersAfter: `SELECT follower AS key FROM sluice_subscription
    WHERE bot = (SELECT number FROM sluice_bot WHERE pubkey = $1) AND follower > $2 ORDER BY follower LIMIT $3`,
  subscriptionsOf: `SELECT b.pubkey AS bot, s.sealed, s.since FROM sluice_subscription s
    JOIN sluice_bot b ON b.number = s.bot WHERE s.follower = $1 ORDER BY s.by_bot, b.pubkey LIMIT $2`,
  change: `WITH next AS (UPDATE sluice_version SET version = version + 1 RETURNING version)
    INSERT INTO sluice_change SELECT version, $1, $2 FROM next RETURNING version`,
  forget: "DELETE FROM sluice_change WHERE version <= $1",
  changes:
    `SELECT v.version AS newest, (SELECT coalesce(min(version), 1) FROM sluice_change) AS oldest, c.bot, c.follower
    FROM sluice_version v LEFT JOIN sluice_change c ON c.version > $1 ORDER BY c.version`,
} as const;

/**
 * Brings the tables to the newest version, one relay at a time.
 *
 * @throws {Error} if they are of a newer program.
 */
export async function migratePostgres(client: PoolClient): Promise<void> {
  await client.query("BEGIN");
  await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
  await client.query("CREATE TABLE IF NOT EXISTS sluice_schema (version integer NOT NULL)");
  const { rows } = await client.query<{ version: number }>("SELECT version FROM sluice_schema");
  const version = rows[0]?.version ?? 0;
  if (version > MIGRATIONS.length) {
    throw new Error(
      `Cannot use registry: its schema is version ${version}, this program knows up to ${MIGRATIONS.length}`,
    );
  }
  for (const statements of MIGRATIONS.slice(version)) await client.query(statements);
  if (version < MIGRATIONS.length) {
    await client.query("DELETE FROM sluice_schema");
    await client.query("INSERT INTO sluice_schema VALUES ($1)", [MIGRATIONS.length]);
  }
  await client.query("COMMIT");
}
