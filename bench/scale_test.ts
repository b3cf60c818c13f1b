/** The scenario `scale` in small: every kind of query runs to its end on a made store. Nothing is timed. */
import { assert, assertEquals } from "@std/assert";
import { makeStore } from "./made_store.ts";
import { ASKS, measureStore } from "./scale.ts";

Deno.test("every query of the scale scenario ends on a made store, and finds what it is named for", async () => {
  const dir = await Deno.makeTempDir({ prefix: "sluice-scale-" });
  makeStore(`${dir}/events.db`, 30_000, 1);
  const lines = [...measureStore(`${dir}/events.db`, { events: 30_000, filters: 3, seed: 1 })];
  assertEquals(lines.map(({ kind }) => kind), Object.keys(ASKS));
  const rows = new Map(lines.map((line) => [line.kind, line.rows]));
  for (const [kind, found] of [["id", 1], ["ids100", 100], ["kind100", 100], ["timeline200", 100]] as const) {
    assertEquals(rows.get(kind), found, kind);
  }
  assertEquals(rows.get("frequent_tag_rare_kind"), 1);
  for (const line of lines) assert(Number(line.steps) < 10, `${line.kind}: ${line.steps} steps`);
  await Deno.remove(dir, { recursive: true });
});
