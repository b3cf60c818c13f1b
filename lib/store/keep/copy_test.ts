/** Tests of copies: they are one moment of a database, and what is damaged is found. */
import { assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { checkDatabase, copyDatabase } from "./copy.ts";

function withDirectory(test: (directory: string) => void): void {
  const directory = Deno.makeTempDirSync({ prefix: "sluice-copy-" });
  try {
    test(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function makeDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA application_id = 7; PRAGMA user_version = 3");
  db.exec(
    "CREATE TABLE note (number INTEGER PRIMARY KEY, text TEXT NOT NULL); CREATE INDEX note_text ON note (text)",
  );
  const insert = db.prepare("INSERT INTO note (text) VALUES (?)");
  db.exec("BEGIN");
  for (let n = 0; n < 2_000; n++) insert.run(`note ${n} ${"x".repeat(100)}`);
  db.exec("COMMIT");
  return db;
}

Deno.test("a copy holds what is in the write-ahead log, and nothing of an open transaction", () => {
  withDirectory((directory) => {
    const db = makeDatabase(`${directory}/a.db`);
    db.exec("BEGIN IMMEDIATE; INSERT INTO note (text) VALUES ('open')");
    copyDatabase(`${directory}/a.db`, `${directory}/b.db`);
    db.exec("COMMIT");
    db.close();
    checkDatabase(`${directory}/b.db`);
    const copy = new DatabaseSync(`${directory}/b.db`, { readOnly: true });
    assertEquals({ ...copy.prepare("SELECT count(*) AS n FROM note").get() }, { n: 2_000 });
    assertEquals({ ...copy.prepare("PRAGMA application_id").get() }, { application_id: 7 });
    assertEquals({ ...copy.prepare("PRAGMA user_version").get() }, { user_version: 3 });
    copy.close();
  });
});

Deno.test("a copy does not overwrite", () => {
  withDirectory((directory) => {
    makeDatabase(`${directory}/a.db`).close();
    Deno.writeTextFileSync(`${directory}/b.db`, "somebody's file");
    assertThrows(
      () => copyDatabase(`${directory}/a.db`, `${directory}/b.db`),
      Error,
      `Cannot copy database "${directory}/a.db": `,
    );
    assertEquals(Deno.readTextFileSync(`${directory}/b.db`), "somebody's file");
  });
});

Deno.test("a check finds a page that was overwritten, and a file that is no database", () => {
  withDirectory((directory) => {
    makeDatabase(`${directory}/a.db`).close();
    copyDatabase(`${directory}/a.db`, `${directory}/b.db`);
    const bytes = Deno.readFileSync(`${directory}/b.db`);
    bytes.fill(0x5a, 20 * 4096, 21 * 4096);
    Deno.writeFileSync(`${directory}/b.db`, bytes);
    assertThrows(
      () => checkDatabase(`${directory}/b.db`),
      Error,
      `Cannot trust database "${directory}/b.db": `,
    );
    Deno.writeTextFileSync(`${directory}/c.db`, "no database at all".repeat(1_000));
    assertThrows(() => checkDatabase(`${directory}/c.db`), Error, "file is not a database");
  });
});
