/** Tests of which index opens. */
import { assertEquals, assertMatch } from "@std/assert";
import { openSearchIndex, openSearchReader } from "./open.ts";

async function inDirectory(run: (statePath: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "sluice-search-" });
  try {
    await run(`${directory}/search.db`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("openSearchIndex() opens the embedded index beside its cursors", async () => {
  await inDirectory(async (statePath) => {
    const { index, state, close } = await openSearchIndex({ statePath });
    const { generation } = await index.prepare();
    await index.apply([], { follower: "search", generation, seq: 7 });
    assertEquals(state.cursors.seqOf("search", generation), 7);
    const reader = await openSearchReader({ statePath });
    assertMatch(reader.description, /FTS5/);
    assertEquals(await reader.search({ filter: { tags: [], limit: 5, search: "apple" }, now: 0 }), {
      ids: [],
    });
    await reader.close();
    await close();
  });
});

Deno.test("openSearchIndex() opens OpenSearch without asking it anything, and cursors of its own", async () => {
  await inDirectory(async (statePath) => {
    const openSearch = { url: "https://user:word@search.example:9200", index: "sluice" };
    const { index, state, close } = await openSearchIndex({ statePath, openSearch });
    assertEquals(index.description, "opensearch at https://search.example:9200");
    state.advance({ follower: "search", generation: "x", seq: 7 });
    assertEquals(state.cursors.seqOf("search", "x"), 7);
    const reader = await openSearchReader({ statePath, openSearch });
    assertEquals(reader.description, index.description);
    await reader.close();
    await close();
  });
});
