/**
 * Tests of look-ups of stored ids. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { memoryStore } from "../../../tests/support/memory_store.ts";
import { plainEvent } from "../../../tests/support/plain_event.ts";
import { StoredIds } from "./stored_ids.ts";

Deno.test("a stored id is found, one that shares only its key is not", () => {
  const event = plainEvent({ id: "ab".repeat(32) });
  const ids = new StoredIds(memoryStore(event));
  assert(ids.has(event.id));
  assert(!ids.has("ab".repeat(31) + "cd"));
  assert(!ids.has("cd".repeat(32)));
});

Deno.test("newest() gives all ids in slices, those that were stored last first", () => {
  const events = Array.from({ length: 7 }, (_, n) => plainEvent({ id: n.toString(16).repeat(64) }));
  const ids = new StoredIds(memoryStore(...events));
  const slices = [...ids.newest(3)];
  assertEquals(slices.map((slice) => slice.length), [3, 3, 1]);
  assertEquals(slices.flat(), events.map(({ id }) => id).reverse());
});
