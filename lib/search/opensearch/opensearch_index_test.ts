/**
 * Tests of the index in a real OpenSearch: the shared suite, what it refuses, versions of the mapping, and what the
 * cluster does to the index behind the relay's back.
 */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { useOpenSearch } from "../../../tests/support/opensearch.ts";
import { addition, ids, IndexUnderTest, note, NOW } from "../search_test_fixture.ts";
import { testSearchIndex } from "../search_test_suite.ts";
import { SearchUnavailableError } from "../search_index.ts";
import { MAPPING_VERSION } from "./mapping.ts";
import { indexNames } from "./migration.ts";
import { OpenSearchIndex, OpenSearchReader } from "./opensearch_index.ts";

const node = await useOpenSearch();
const url = node?.url ?? "";
const ignore = node === null;
Deno.test.afterAll(() => node?.stop());

/** Tests of any number of files share the node, so each index has a name of its own. */
function freshName(): string {
  return `test-${crypto.randomUUID()}`;
}

async function send(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}${path}`, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
  return await response.json();
}

const names = new WeakMap<object, string>();
testSearchIndex({
  name: "OpenSearchIndex",
  ignore,
  async open() {
    const name = freshName();
    const index = new OpenSearchIndex({ url, index: name });
    names.set(index, name);
    await index.prepare();
    return index;
  },
  async close(index) {
    await send("DELETE", `/${indexNames(names.get(index)!).index}`);
    await index.close();
  },
});

/** Registers a test with an index name of its own, all indexes of which are removed after it. */
function test(name: string, run: (indexName: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      const indexName = freshName();
      try {
        await run(indexName);
      } finally {
        for (const index of Object.keys(await send("GET", `/${indexName}*`))) {
          await send("DELETE", `/${index}`);
        }
      }
    },
  });
}

const APPLES = { filter: { tags: [], limit: 10, search: "apple" }, now: NOW };

test("OpenSearchIndex sets a change aside that the mapping refuses, and takes the others", async (name) => {
  const index = new OpenSearchIndex({ url, index: name });
  await index.prepare();
  const [good, bad, last] = [note("apple"), { ...note("apple"), created_at: 1e300 }, note("apple")];
  const result = await index.apply([good, bad, last].map((event, seq) => addition(seq, event)));
  assertEquals(result.retry, []);
  assertEquals(result.rejected.map(({ position }) => position), [1]);
  assert(result.rejected[0]!.reason.startsWith("400 mapper_parsing_exception"), result.rejected[0]!.reason);
  await index.refresh();
  assertEquals(await index.search(APPLES), { ids: ids(last, good) });
  await index.close();
});

test("OpenSearchIndex names the server once it has met it", async (name) => {
  const index = new OpenSearchIndex({ url, index: name });
  assertEquals(index.description, `opensearch at ${url}`);
  await index.prepare();
  assert(/^opensearch \d+\.\d+\.\d+ at http/.test(index.description), index.description);
  await index.close();
});

test("OpenSearchIndex keeps searches on the old mapping's index until the new one is full", async (name) => {
  const old = indexNames(name, MAPPING_VERSION - 1);
  await send("PUT", `/${old.index}`, {
    aliases: { [old.searched]: {}, [old.written]: {} },
    mappings: {
      properties: { content: { type: "text" }, created_at: { type: "long" }, id: { type: "keyword" } },
    },
  });
  const [before, after] = [note("apple"), note("apple")];
  await send("PUT", `/${old.index}/_doc/${before.id}?refresh=true`, { ...before });

  const index = new OpenSearchIndex({ url, index: name });
  const reader = new OpenSearchReader({ url, index: name });
  const { generation } = await index.prepare();
  await new IndexUnderTest(index).add(after);
  assertEquals(await reader.search(APPLES), { ids: ids(before) });

  await index.finishRebuild();
  assertEquals(await reader.search(APPLES), { ids: ids(after) });
  assertEquals(Object.keys(await send("GET", `/${name}*`)), [indexNames(name).index]);
  assertEquals(await index.prepare(), { generation });
  await reader.close();
  await index.close();
});

test("OpenSearchIndex leaves the index of a newer mapping in place", async (name) => {
  const newer = indexNames(name, MAPPING_VERSION + 1);
  await send("PUT", `/${newer.index}`, { aliases: { [newer.searched]: {} } });
  const index = new OpenSearchIndex({ url, index: name });
  await index.prepare();
  await index.finishRebuild();
  assertEquals(Object.keys(await send("GET", `/${name}-v*`)).sort(), [indexNames(name).index, newer.index]);
  assertEquals(Object.keys(await send("GET", `/_alias/${name}`)), [indexNames(name).index]);
  await index.close();
});

test("OpenSearchIndex has another generation after its index was deleted, and no bulk revives it", async (name) => {
  const index = new OpenSearchIndex({ url, index: name });
  const { generation } = await index.prepare();
  await send("DELETE", `/${indexNames(name).index}`);
  const change = addition(1, note("apple"));
  await assertRejects(() => index.apply([change]), SearchUnavailableError, "index_not_found_exception");
  await assertRejects(() => index.search(APPLES), SearchUnavailableError, "index_not_found_exception");
  assertNotEquals((await index.prepare()).generation, generation);
  assertEquals(await index.apply([change]), { retry: [], rejected: [], cursorStored: false });
  await index.close();
});

test("OpenSearchIndex refuses an index of its name that is not of its mapping", async (name) => {
  await send("PUT", `/${indexNames(name).index}`);
  const index = new OpenSearchIndex({ url, index: name });
  await assertRejects(() => index.prepare(), SearchUnavailableError, "its mapping is not of version");
  await index.close();
});

test("OpenSearchIndex is prepared by several relays at once", async (name) => {
  const indexes = Array.from({ length: 4 }, () => new OpenSearchIndex({ url, index: name }));
  const prepared = await Promise.all(indexes.map((index) => index.prepare()));
  assertEquals(new Set(prepared.map(({ generation }) => generation)).size, 1);
  await Promise.all(indexes.map((index) => index.close()));
});

test("OpenSearchIndex waits while the index is blocked, as on a full disk", async (name) => {
  const index = new OpenSearchIndex({ url, index: name });
  await index.prepare();
  const settings = `/${indexNames(name).index}/_settings`;
  await send("PUT", settings, { "index.blocks.read_only_allow_delete": true });
  const changes = [note("apple"), note("apple")].map((event, seq) => addition(seq, event));
  await assertRejects(() => index.apply(changes), SearchUnavailableError, "cluster_block_exception");
  const removal = { type: "remove", seq: 3, id: note("gone").id } as const;
  const mixed = await index.apply([...changes, removal]).catch((error) => error);
  assert(mixed instanceof SearchUnavailableError || mixed.retry.length === 2, JSON.stringify(mixed));
  await send("PUT", settings, { "index.blocks.read_only_allow_delete": null });
  assertEquals((await index.apply(changes)).retry, []);
  await index.close();
});

test("OpenSearchIndex analyses no search as query syntax", async (name) => {
  const index = new OpenSearchIndex({ url, index: name });
  await index.prepare();
  const other = note("banana");
  await new IndexUnderTest(index).add(other, note("apple"));
  for (const search of ["*", "content:banana", "_id:*", "ban*", "/ban.*/", "apple OR banana", "{{banana}}"]) {
    const found = await index.search({ filter: { ...APPLES.filter, search }, now: NOW });
    assert(!found.ids.includes(other.id) || search.startsWith("content:") || search === "{{banana}}", search);
  }
  await index.close();
});
