/** Tests of the embedded index: the shared suite, and what only it has (readers, cursors, versions). */
import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { addition, ids, IndexUnderTest, note, NOW } from "../search_test_fixture.ts";
import { testSearchIndex } from "../search_test_suite.ts";
import { SearchUnavailableError } from "../search_index.ts";
import { Fts5Index, Fts5Reader } from "./fts5_index.ts";

testSearchIndex({
  name: "Fts5Index",
  async open() {
    const index = new Fts5Index(":memory:");
    await index.prepare();
    return index;
  },
  close: (index) => index.close(),
});

async function inFile(run: (path: string, index: Fts5Index) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "sluice-fts5-" });
  const path = `${directory}/search.db`;
  const index = new Fts5Index(path);
  try {
    await index.prepare();
    await run(path, index);
  } finally {
    await index.close();
    await Deno.remove(directory, { recursive: true });
  }
}

const pause = () => Promise.resolve();
const APPLES = { filter: { tags: [], limit: 10, search: "apple" }, now: NOW };

Deno.test("Fts5Reader sees what the index has applied, from a connection of its own", async () => {
  await inFile(async (path, index) => {
    const reader = new Fts5Reader(path, pause);
    const found = note("apple");
    assertEquals(await reader.search(APPLES), { ids: [] });
    await new IndexUnderTest(index).add(found);
    assertEquals(await reader.search(APPLES), { ids: ids(found) });
    await new IndexUnderTest(index).remove(found);
    assertEquals(await reader.search(APPLES), { ids: [] });
    await reader.close();
  });
});

Deno.test("Fts5Reader is unavailable until the file is there", async () => {
  const directory = await Deno.makeTempDir({ prefix: "sluice-fts5-" });
  const reader = new Fts5Reader(`${directory}/search.db`, pause);
  await assertRejects(() => reader.search(APPLES), SearchUnavailableError, "search.db");
  const index = new Fts5Index(`${directory}/search.db`);
  await assertRejects(() => reader.search(APPLES), SearchUnavailableError, "no such table");
  await index.prepare();
  assertEquals(await reader.search(APPLES), { ids: [] });
  await reader.close();
  await index.close();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("Fts5Index stores the cursor in the transaction of the changes", async () => {
  await inFile(async (path, index) => {
    const { generation } = await index.prepare();
    const cursor = (seq: number) => ({ follower: "search", generation, seq });
    const first = note("apple");
    const result = await index.apply([addition(1, first)], cursor(1));
    assertEquals(result, { retry: [], rejected: [], cursorStored: true });
    assertEquals(index.state.cursors.seqOf("search", generation), 1);

    // The second change cannot be written, so neither may the first be, nor the cursor.
    const bad = { ...note("pear"), pubkey: "not hex" };
    const changes = [addition(2, note("plum")), addition(3, bad)];
    await assertRejects(() => index.apply(changes, cursor(3)), SearchUnavailableError);
    const other = new DatabaseSync(path, { readOnly: true });
    assertEquals(other.prepare("SELECT seq FROM cursor").get()?.seq, 1);
    assertEquals(other.prepare("SELECT count(*) AS count FROM document").get()?.count, 1);
    other.close();
  });
});

Deno.test("Fts5Index keeps documents and cursors over a restart", async () => {
  await inFile(async (path, index) => {
    const { generation } = await index.prepare();
    const found = note("apple");
    await index.apply([addition(9, found)], { follower: "search", generation, seq: 9 });
    await index.close();
    const again = new Fts5Index(path);
    assertEquals(await again.prepare(), { generation });
    assertEquals(again.state.cursors.seqOf("search", generation), 9);
    assertEquals(await again.search(APPLES), { ids: ids(found) });
    await again.close();
  });
});

Deno.test("Fts5Index empties a file of another schema version", async () => {
  await inFile(async (path, index) => {
    await new IndexUnderTest(index).add(note("apple"));
    await index.close();
    const db = new DatabaseSync(path);
    db.exec("UPDATE search_schema SET version = 0");
    db.close();
    const again = new Fts5Index(path);
    await again.prepare();
    assertEquals(await again.count(), 0);
    assertEquals(await again.search(APPLES), { ids: [] });
    await again.close();
  });
});
