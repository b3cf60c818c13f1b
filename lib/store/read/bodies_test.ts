/** Tests of texts by their seqs: each in its place, however it is come by, and no more remembered than has room. */
import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { BODIES_REMEMBERED_CHARS, SCAN_TEXT_ALONG_BYTES_MAX } from "../../limits.ts";
import { Bodies } from "./bodies.ts";
import { migrate } from "../keep/schema.ts";

function open(count: number, chars = 10) {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const insert = db.prepare("INSERT INTO body VALUES (?, ?, ?)");
  for (let seq = 1; seq <= count; seq++) insert.run(seq, seq % 3, `${seq} `.padEnd(chars, "x"));
  return { db, bodies: new Bodies(db) };
}

const seqsOf = (bodies: Bodies, seqs: number[]) =>
  bodies.of(seqs).map((body) => body && parseInt(body.text!));

Deno.test("bodies come in the order asked for, from memory and from the database, and what is absent stays so", () => {
  const { bodies } = open(9);
  assertEquals(bodies.of([3]), [{ expiresAt: 0, text: "3 xxxxxxxx" }]);
  assertEquals(seqsOf(bodies, [7, 3, 44, 1, 45, 9]), [7, 3, undefined, 1, undefined, 9]);
  assertEquals(seqsOf(bodies, [9, 44, 2, 1]), [9, undefined, 2, 1]);
  assertEquals(seqsOf(bodies, []), []);
});

Deno.test("what is asked for again and again is remembered, what is not is forgotten", () => {
  const most = BODIES_REMEMBERED_CHARS / SCAN_TEXT_ALONG_BYTES_MAX;
  const count = 3 * most;
  const { db, bodies } = open(count, SCAN_TEXT_ALONG_BYTES_MAX);
  for (let seq = 2; seq <= count; seq++) assertEquals(seqsOf(bodies, [1, seq]), [1, seq]);
  db.exec("DELETE FROM body");
  const kept = Array.from({ length: count }, (_, n) => n + 1).filter((seq) =>
    bodies.of([seq])[0] !== undefined
  );
  assert(kept.includes(1) && kept.includes(count) && !kept.includes(2), "the frequent and the newest");
  assert(kept.length <= most + 2, `${kept.length} of ${most} and what crossed the bound`);
});

Deno.test("a long text does not come along, and is not remembered", () => {
  const { db, bodies } = open(3, SCAN_TEXT_ALONG_BYTES_MAX + 1);
  const absent = { expiresAt: 0, text: null };
  assertEquals([bodies.of([3]), bodies.of([1, 2, 3])[2]], [[absent], absent]);
  db.exec("DELETE FROM body");
  assertEquals(bodies.of([3]), [undefined]);
});
