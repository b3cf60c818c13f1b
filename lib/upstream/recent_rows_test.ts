/** Tests of one reading of the log for many streams: each gets what the log itself would give, from one reading. */
import { assertEquals } from "@std/assert";
import { ModelLog } from "../../tests/support/model_log.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { UPSTREAM_ROWS_KEPT_CHARS_MAX } from "../limits.ts";
import type { LogRange } from "../log/log_rows.ts";
import { RecentRows } from "./recent_rows.ts";

/** A log that counts how often it is read. */
class CountedLog extends ModelLog {
  readings = 0;

  override give(...given: Parameters<ModelLog["give"]>): number {
    this.readings++;
    return super.give(...given);
  }
}

function rowsOf(log: Pick<ModelLog, "give">, range: LogRange) {
  const rows: string[] = [];
  const end = log.give(range, {
    add: ([seq]) => rows.push(`add ${seq}`),
    remove: ([seq]) => rows.push(`remove ${seq}`),
  });
  return { rows, end };
}

Deno.test("streams that keep pace share one reading, and one that is behind reads for itself", () => {
  const log = new CountedLog();
  for (let n = 0; n < 100; n++) log.write();
  const shared = new RecentRows(log);
  for (let stream = 0; stream < 5; stream++) {
    assertEquals(rowsOf(shared, { after: 60, to: 100, max: 20 }).end, 80);
  }
  assertEquals(log.readings, 1);
  assertEquals(rowsOf(shared, { after: 70, to: 100, max: 20 }).end, 80);
  assertEquals([rowsOf(shared, { after: 10, to: 100, max: 20 }).end, log.readings], [30, 2]);
});

Deno.test("an event that was removed meanwhile is given to nobody", () => {
  const log = new CountedLog();
  const id = log.write();
  const shared = new RecentRows(log);
  assertEquals(rowsOf(shared, { after: 0, to: log.lastSeq, max: 10 }), { rows: ["add 1"], end: 1 });
  log.remove(id);
  assertEquals(rowsOf(shared, { after: 0, to: log.lastSeq, max: 10 }), { rows: ["remove 2"], end: 2 });
});

Deno.test("long texts are not kept", () => {
  const log = new CountedLog();
  for (let n = 0; n < 2; n++) {
    const content = "x".repeat(UPSTREAM_ROWS_KEPT_CHARS_MAX / 2);
    log.add({ id: n.toString(16).padStart(64, "0"), created_at: 1, kind: 1, content });
  }
  const shared = new RecentRows(log);
  for (let stream = 0; stream < 3; stream++) rowsOf(shared, { after: 0, to: 2, max: 10 });
  assertEquals(log.readings, 3);
});

Deno.test("each stream is given every entry once and in order, whatever it asks for", () => {
  const prng = seededPrng("recent rows");
  for (let run = 0; run < 50; run++) {
    const log = new CountedLog();
    const shared = new RecentRows(log);
    const cursors = [0, 0, 0];
    const seen: string[][] = [[], [], []];
    for (let step = 0; step < 100; step++) {
      if (prng.chance(0.3)) { for (let n = prng.int(0, 10); n > 0; n--) log.write(); }
      const at = prng.int(0, 2);
      const to = prng.chance(0.7) ? log.lastSeq : prng.int(cursors[at]!, log.lastSeq);
      if (to === cursors[at]) continue;
      const { rows, end } = rowsOf(shared, { after: cursors[at]!, to, max: prng.int(1, 8) });
      assertEquals(end > cursors[at]! && end <= to, true);
      cursors[at] = end;
      seen[at]!.push(...rows);
    }
    for (const at of [0, 1, 2]) {
      assertEquals(seen[at], Array.from({ length: cursors[at]! }, (_, n) => `add ${n + 1}`));
    }
  }
});
