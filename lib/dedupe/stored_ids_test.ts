/** Tests of the ids of stored events, in a store of the real one's tables. */
import { assertEquals } from "@std/assert";
import { DEDUPE_WARM_IDS } from "../limits.ts";
import { openForWriting } from "../store/keep/open.ts";
import { idKey } from "../nostr/keys.ts";
import { StoredIds } from "./stored_ids.ts";

function idOf(number: number): string {
  // The first 52 bits of even and odd numbers are the same: keys are not unique.
  return (number >> 1).toString(16).padStart(13, "0") + number.toString(16).padStart(51, "0");
}

Deno.test("stored ids are found in both generations, exactly, and listed from the newest", async () => {
  const folder = await Deno.makeTempDir();
  const db = openForWriting(`${folder}/events.db`, { durability: "normal", cacheMebibytes: 4 });
  const count = DEDUPE_WARM_IDS + 5;
  db.exec("BEGIN");
  for (let seq = 1; seq <= count; seq++) {
    const id = idOf(2 * seq);
    const table = seq % 2 === 0 ? "event" : "fresh_event";
    db.prepare(`INSERT INTO ${table} VALUES (?, ?, 0, 1, 0)`).run(seq, idKey(id));
    db.prepare("INSERT INTO body VALUES (?, 0, ?)").run(seq, `{"id":"${id}","pubkey":""}`);
  }
  db.exec("COMMIT");
  const stored = new StoredIds(db);
  assertEquals([1, 2, count].map((seq) => stored.has(idOf(2 * seq))), [true, true, true]);
  assertEquals(
    [3, 2 * count + 1].map((number) => stored.has(idOf(number))),
    [false, false],
    "only the key is the same",
  );
  const slices = [...stored.newest()];
  assertEquals(slices.map((slice) => slice.length), [DEDUPE_WARM_IDS, 5]);
  assertEquals([slices[0]![0], slices[1]![4]], [idOf(2 * count), idOf(2)]);
  db.close();
  await Deno.remove(folder, { recursive: true });
});
