/** Tests of opening databases: each connection of the relay is told what its database needs, and no more. */
import { assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openStateDatabase } from "../search/index_state.ts";
import { openForFollowing, openForReading, openForWriting } from "../store/keep/open.ts";
import { openToWrite } from "./open_database.ts";
import { SchemaError } from "./own_schema.ts";

const NAMES = [
  "journal_mode",
  "page_size",
  "synchronous",
  "busy_timeout",
  "cache_size",
  "mmap_size",
  "temp_store",
  "query_only",
  "wal_autocheckpoint",
  "journal_size_limit",
];

/** What a connection was told, by pragma, as far as it differs from one that was told nothing. */
function told(db: DatabaseSync, path: string): Record<string, unknown> {
  using plain = new DatabaseSync(path);
  const values = (from: DatabaseSync, name: string) =>
    Object.values(from.prepare(`PRAGMA ${name}`).get()!)[0];
  const differing = NAMES.filter((name) => values(db, name) !== values(plain, name));
  const found = Object.fromEntries(differing.map((name) => [name, values(db, name)]));
  db.close();
  return found;
}

async function inDirectory(test: (path: string) => void): Promise<void> {
  const directory = await Deno.makeTempDir();
  test(`${directory}/a.db`);
  await Deno.remove(directory, { recursive: true });
}

Deno.test("the store's connections are told how to write, to read, and to follow", () =>
  inDirectory((path) => {
    const writing = { cache_size: -3 * 1024, temp_store: 2, busy_timeout: 5_000 };
    const wal = { wal_autocheckpoint: 8192, journal_size_limit: 8192 * 8192 };
    const full = openForWriting(path, { durability: "full", cacheMebibytes: 3 });
    assertEquals(told(full, path), { ...writing, ...wal });
    const normal = openForWriting(path, { durability: "normal", cacheMebibytes: 3 });
    assertEquals(told(normal, path), { ...writing, ...wal, synchronous: 1 });
    const reading = { temp_store: 2, busy_timeout: 5_000, query_only: 1 };
    const cached = { cache_size: -3 * 1024, mmap_size: 1 << 30 };
    assertEquals(told(openForReading(path, 3), path), { ...reading, ...cached });
    const following = told(openForFollowing(path), path);
    assertEquals({ ...following, cache_size: 0 }, { ...reading, cache_size: 0 });
  }));

Deno.test("a new database has its page size and a write-ahead log", () =>
  inDirectory((path) => {
    openForWriting(path, { durability: "full", cacheMebibytes: 3 }).close();
    using db = new DatabaseSync(path);
    assertEquals(db.prepare("PRAGMA page_size").get()?.page_size, 8192);
    assertEquals(db.prepare("PRAGMA journal_mode").get()?.journal_mode, "wal");
  }));

Deno.test("a database with a trigger is refused where programs are, and is no longer open", () =>
  inDirectory((path) => {
    openStateDatabase(path).close();
    using db = new DatabaseSync(path);
    db.exec("CREATE TABLE a (b); CREATE TRIGGER c AFTER INSERT ON a BEGIN DELETE FROM a; END");
    assertThrows(() => openStateDatabase(path), SchemaError, "trigger c");
    openToWrite(path, { synchronous: "NORMAL" }).close();
  }));
