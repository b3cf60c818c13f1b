/** Tests of the look at a schema: what is foreign, changed or missing is named, and what SQLite adds is not. */
import { assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { refusePrograms, SchemaError, schemaFault } from "./own_schema.ts";

const TABLE = "CREATE TABLE note (seq INTEGER PRIMARY KEY, text TEXT NOT NULL)";
const make = (db: DatabaseSync) => db.exec(`${TABLE}; CREATE INDEX note_text ON note (text)`);

/** What is wrong with a database made otherwise. */
function faultOf(statements: string, isWhole = true): string | null {
  const db = new DatabaseSync(":memory:");
  db.exec(statements);
  const fault = schemaFault(db, make, isWhole);
  db.close();
  return fault;
}

const OWN =
  "CREATE TABLE note (seq INTEGER PRIMARY KEY,\n  text TEXT NOT NULL); CREATE INDEX note_text ON note (text);";

Deno.test("what this program makes is its own, however it is broken into lines and whatever SQLite has counted", () => {
  assertEquals(faultOf(OWN), null);
  assertEquals(faultOf(`${OWN} INSERT INTO note VALUES (1, 'a'); ANALYZE`), null);
});

Deno.test("what is foreign, changed or missing is named", () => {
  const trigger = "CREATE TRIGGER spoil AFTER INSERT ON note BEGIN DELETE FROM note; END";
  assertEquals(faultOf(`${OWN} ${trigger}`), "trigger spoil is none of this program's");
  assertEquals(faultOf(`${OWN} CREATE VIEW v AS SELECT 1`), "view v is none of this program's");
  assertEquals(faultOf(`${OWN} CREATE TABLE other (a)`), "table other is none of this program's");
  assertEquals(faultOf(`${OWN} CREATE INDEX second ON note (seq)`), "index second is none of this program's");
  const replacing = TABLE.replace("PRIMARY KEY", "PRIMARY KEY ON CONFLICT REPLACE");
  assertEquals(faultOf(replacing), "table note is not as this program makes it");
  assertEquals(faultOf(TABLE), "index note_text is missing");
  assertEquals(faultOf(TABLE, false), null);
});

Deno.test("what acts by itself is refused, and tables are not", () => {
  const db = new DatabaseSync(":memory:");
  db.exec(`${TABLE}; CREATE TABLE other (a)`);
  refusePrograms(db, "search.db");
  db.exec("CREATE TRIGGER spoil AFTER INSERT ON note BEGIN DELETE FROM note; END");
  const message = 'Cannot open database "search.db": trigger spoil is none of this program\'s';
  assertThrows(() => refusePrograms(db, "search.db"), SchemaError, message);
  db.close();
});
