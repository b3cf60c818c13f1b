/** Tests of the check at the start: damage in what it looks at is found and named, and a sound store passes. */
import { assertThrows } from "@std/assert";
import { Prng } from "../../../tests/support/prng.ts";
import { eventId } from "../../../tests/support/sign.ts";
import { packed } from "../../../tests/support/pack_event.ts";
import { checkStore, StoreDamagedError } from "./damage.ts";
import { EventStore } from "../write/event_store.ts";
import { openForWriting } from "./open.ts";
import { SchemaError } from "./schema.ts";

const hex = (n: number, chars = 64) => n.toString(16).padStart(8, "0").repeat(chars / 8);

function addEvent(store: EventStore, n: number): void {
  const event = {
    pubkey: hex(n % 7),
    created_at: 1_000 + n,
    kind: 1,
    tags: [["t", `word ${n}`]],
    content: `note ${n}`,
  };
  store.add(packed({ ...event, id: eventId(event), sig: hex(7, 128) }));
}

/**
 * Makes a store of 50 events, spoils it by SQL, and checks it: where the events are settled, and where they are fresh. The
 * SQL names the settled tables.
 */
function check(spoil: string): void {
  checkOne(spoil, true);
  checkOne(
    spoil.replaceAll(/\b(event|tag)\b(?!_)/g, "fresh_$1").replace("event_time", "fresh_event_time"),
    false,
  );
}

function checkOne(spoil: string, isSettled: boolean): void {
  const path = Deno.makeTempFileSync({ suffix: ".db" });
  const prng = new Prng(1);
  try {
    const db = openForWriting(path, { durability: "normal", cacheMebibytes: 1 });
    const store = new EventStore(db);
    store.begin();
    for (let n = 0; n < 50; n++) addEvent(store, n);
    store.commit();
    if (isSettled) store.mergeFresh();
    db.exec(spoil);
    db.close();
    checkStore(path, { random: () => prng.uint32() / 2 ** 32, hasTime: () => true });
  } finally {
    for (const file of [path, `${path}-wal`, `${path}-shm`]) {
      try {
        Deno.removeSync(file);
      } catch {
        // It was not made.
      }
    }
  }
}

Deno.test("a sound store passes, and so does one that lost events at its ends or in between", () => {
  check("");
  for (const seq of [1, 20, 50]) {
    check(
      `DELETE FROM tag WHERE seq = ${seq}; DELETE FROM body WHERE seq = ${seq}; DELETE FROM event WHERE seq = ${seq}`,
    );
  }
  check("DELETE FROM tag; DELETE FROM body; DELETE FROM event");
});

/** What turns a new store into one of an older version. */
const OLDER = [
  "DROP TABLE fresh_event; DROP TABLE fresh_tag; PRAGMA user_version = 3",
  "ALTER TABLE removal DROP COLUMN age; PRAGMA user_version = 2",
  "DROP TABLE vanish; PRAGMA user_version = 1",
];

Deno.test("a sound store of an older version passes, and what is wrong in it is found", () => {
  for (let steps = 1; steps <= OLDER.length; steps++) {
    const older = OLDER.slice(0, steps).join("; ");
    checkOne(older, true);
    const spoilt = `${older}; DELETE FROM tag WHERE seq % 2 = 0`;
    assertThrows(() => checkOne(spoilt, true), StoreDamagedError, "is missing in an index");
  }
});

Deno.test("an event without its text, with another's, or missing in an index is found", () => {
  const damages = {
    "DELETE FROM body WHERE seq % 2 = 0": "has no text",
    "UPDATE body SET text = replace(text, 'note', '\"') WHERE seq % 2 = 0": "is no event",
    "UPDATE event SET kind = 7 WHERE seq % 2 = 0": "has another event's text",
    "UPDATE event SET age = age - 1 WHERE seq % 2 = 0": "has another event's text",
    "DELETE FROM tag WHERE seq % 2 = 0": "is missing in an index",
    "DROP INDEX event_time": "event_time is missing",
    "DROP TABLE removal": "table removal is missing",
  };
  for (const [spoil, words] of Object.entries(damages)) {
    assertThrows(() => check(spoil), StoreDamagedError, words, spoil);
  }
});

Deno.test("another program's database is no damaged store", () => {
  assertThrows(() => check("PRAGMA application_id = 1"), SchemaError, "another program");
});

Deno.test("a file that is no database is damaged", () => {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, "no database".repeat(1_000));
  try {
    assertThrows(
      () => checkStore(path, { random: () => 0, hasTime: () => true }),
      StoreDamagedError,
      `Cannot open store "${path}": it is damaged: file is not a database; put a backup`,
    );
  } finally {
    Deno.removeSync(path);
  }
});
