/** Tests of a real OpenSearch that dies and comes back: what it acknowledged is there, and nothing waits for ever. */
import { assertEquals, assertRejects } from "@std/assert";
import { startOpenSearch } from "../../../tests/support/opensearch.ts";
import { SearchUnavailableError } from "../search_index.ts";
import { addition, ids, IndexUnderTest, note, NOW } from "../search_test_fixture.ts";
import { OpenSearchIndex, OpenSearchReader } from "./opensearch_index.ts";

Deno.test({
  name: "OpenSearchIndex finds after a kill what was acknowledged before it",
  ignore: Deno.env.get("SLUICE_TEST_OPENSEARCH") === "none",
  async fn() {
    const dataDir = await Deno.makeTempDir({ prefix: "sluice-outage-" });
    const node = await startOpenSearch({ dataDir });
    const index = new OpenSearchIndex({ url: node.url, index: "sluice" });
    const reader = new OpenSearchReader({ url: node.url, index: "sluice" });
    const request = { filter: { tags: [], limit: 10, search: "apple" }, now: NOW };
    try {
      const { generation } = await index.prepare();
      const acknowledged = note("apple");
      await index.apply([addition(1, acknowledged)]);

      await node.stop("SIGKILL");
      await assertRejects(() => reader.search(request), SearchUnavailableError);
      const pie = note("apple pie");
      const late = addition(2, pie);
      await assertRejects(() => index.apply([late]), SearchUnavailableError);
      await assertRejects(() => index.prepare(), SearchUnavailableError);

      await node.restart();
      assertEquals(await index.prepare(), { generation });
      await index.refresh();
      assertEquals(await reader.search(request), { ids: ids(acknowledged) });
      await index.apply([late]);
      await index.refresh();
      assertEquals(await new IndexUnderTest(index).find("pie"), ids(pie));
    } finally {
      await reader.close();
      await index.close();
      await node.stop();
      await Deno.remove(dataDir, { recursive: true });
    }
  },
});
