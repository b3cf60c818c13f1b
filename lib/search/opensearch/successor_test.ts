/** Tests of an index in a real OpenSearch that is built anew beside the one that serves, and of what a look at it tells. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { useOpenSearch } from "../../../tests/support/opensearch.ts";
import { addition, ids, IndexUnderTest, note, NOW } from "../search_test_fixture.ts";
import { SearchUnavailableError } from "../search_index.ts";
import { indexNames } from "./migration.ts";
import { OpenSearchIndex, OpenSearchReader } from "./opensearch_index.ts";

const node = await useOpenSearch();
const url = node?.url ?? "";
Deno.test.afterAll(() => node?.stop());

const APPLES = { filter: { tags: [], limit: 10, search: "apple" }, now: NOW };

async function send(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return await response.json();
}

/** Registers a test with a prepared index of its own name, all indexes of which are removed after it. */
function test(name: string, run: (index: OpenSearchIndex, indexName: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: node === null,
    async fn() {
      const indexName = `test-${crypto.randomUUID()}`;
      const index = new OpenSearchIndex({ url, index: indexName });
      try {
        await index.prepare();
        await run(index, indexName);
      } finally {
        await index.close();
        for (const found of await indexesOf(indexName)) await send("DELETE", `/${found}`);
      }
    },
  });
}

async function indexesOf(name: string): Promise<string[]> {
  return Object.keys(await send("GET", `/${name}*`)).sort();
}

test(
  "OpenSearchIndex serves from its index until the successor takes its place, in one step",
  async (index, name) => {
    const reader = new OpenSearchReader({ url, index: name });
    const [old, fresh, last] = [note("apple"), note("apple"), note("apple")];
    await new IndexUnderTest(index).add(old);
    const successor = await index.openSuccessor("");
    await successor.apply([addition(1, fresh)]);
    await new IndexUnderTest(index).remove(note("nothing"));
    assertEquals(await reader.search(APPLES), { ids: ids(old) });

    await index.succeed();
    assertEquals(await reader.search(APPLES), { ids: ids(fresh) });
    assertEquals(await indexesOf(name), [indexNames(name, undefined, 2).index]);
    // From now on it is the index: under its own generation, for bulks, and over a restart.
    assertEquals((await index.prepare()).generation, successor.generation);
    await new IndexUnderTest(index).add(last);
    const restarted = new OpenSearchIndex({ url, index: name });
    assertEquals((await restarted.prepare()).generation, successor.generation);
    assertEquals(await restarted.search(APPLES), { ids: ids(last, fresh) });
    await restarted.openSuccessor("");
    await restarted.succeed();
    assertEquals(await indexesOf(name), [indexNames(name, undefined, 3).index]);
    await restarted.close();
    await reader.close();
  },
);

test("OpenSearchIndex goes on with a successor that was begun, and with no other", async (index, name) => {
  const begun = await index.openSuccessor("");
  await begun.apply([addition(1, note("apple"))]);
  const again = new OpenSearchIndex({ url, index: name });
  await again.prepare();
  assertEquals((await again.openSuccessor(begun.generation)).generation, begun.generation);
  await again.succeed();
  assertEquals((await again.search(APPLES)).ids.length, 1);
  // It has succeeded, and whoever asked did not live to know.
  const late = new OpenSearchIndex({ url, index: name });
  const prepared = await late.prepare();
  assertEquals((await late.openSuccessor(begun.generation)).generation, prepared.generation);
  await late.succeed();
  assertEquals((await late.search(APPLES)).ids.length, 1);
  // One of an attempt that nobody remembers may hold what was deleted since.
  const forgotten = await late.openSuccessor("");
  await forgotten.apply([addition(1, note("apple"))]);
  const anew = await late.openSuccessor("fts5-v3");
  assertNotEquals(anew.generation, forgotten.generation);
  await late.succeed();
  assertEquals((await late.search(APPLES)).ids, []);
  await Promise.all([again.close(), late.close()]);
});

test("OpenSearchIndex makes no index of a successor that was deleted", async (index, name) => {
  const successor = await index.openSuccessor("");
  const { index: second } = indexNames(name, undefined, 2);
  await send("DELETE", `/${second}`);
  await assertRejects(() => successor.apply([addition(1, note("apple"))]), SearchUnavailableError);
  await assertRejects(() => index.succeed(), SearchUnavailableError);
  assertEquals(await indexesOf(name), [indexNames(name).index]);
  const next = await index.openSuccessor(successor.generation);
  assertNotEquals(next.generation, successor.generation);
});

test("OpenSearchIndex makes the first index again after a successor was deleted", async (index, name) => {
  await index.openSuccessor("");
  await index.succeed();
  await send("DELETE", `/${indexNames(name, undefined, 2).index}`);
  await assertRejects(() => index.search(APPLES), SearchUnavailableError);
  await index.prepare();
  assertEquals(await index.search(APPLES), { ids: [] });
  assertEquals(await indexesOf(name), [indexNames(name).index]);
});

test("OpenSearchIndex sees at a look whether it is there, the same and full", async (index, name) => {
  const { generation } = await index.prepare();
  const events = [note("apple"), note("apple")];
  await new IndexUnderTest(index).add(...events);
  assertEquals(await index.look(), { generation, documents: 2 });
  for (const id of ids(...events)) await send("DELETE", `/${name}/_doc/${id}?refresh=true`);
  assertEquals(await index.look(), { generation, documents: 0 });
  await send("DELETE", `/${indexNames(name).index}`);
  await assertRejects(() => index.look(), SearchUnavailableError);
  await new OpenSearchIndex({ url, index: name }).prepare();
  const { generation: other } = await index.look();
  assert(other !== generation);
});
