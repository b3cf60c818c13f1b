/**
 * The relays that tests of search run against: one on the embedded index, one on a real OpenSearch, which is the one that
 * `SLUICE_TEST_OPENSEARCH` names.
 * Runs on a test file's thread, which owns the relays; they end after the file's last test.
 *
 * @module
 */
import { connect, type TestClient, type TestFilter } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import type { TestEvent } from "../support/sign.ts";
import { idsOf, sharedRelay, store } from "./shared_relay.ts";

/** Makes the indexer send at once. */
export const FLUSH = { FLUSH_INTERVAL_MS: "50" };
/** OpenSearch shows new documents after its own refresh, a second at most where the machine is idle. */
export const INDEXED_MS = 30_000;

/** Declares a test for each backend. */
type TestBoth = (name: string, run: (client: TestClient, url: string) => Promise<void>) => void;

/** Starts a relay on each backend for the tests of the calling file. */
export async function searchBackends(env: Record<string, string> = {}): Promise<TestBoth> {
  const given = Deno.env.get("SLUICE_TEST_OPENSEARCH");
  const url = given === undefined || given === "none" ? null : given;
  const index = `nip50-${crypto.randomUUID().slice(0, 8)}`;
  const openSearch = url === null ? null : { OPENSEARCH_URL: url, OPENSEARCH_INDEX: index };
  const backends = [
    { name: "the embedded index", relay: await sharedRelay({ ...FLUSH, ...env }) },
    {
      name: "OpenSearch",
      relay: openSearch === null ? null : await sharedRelay({ ...FLUSH, ...env, ...openSearch }),
    },
  ];
  Deno.test.afterAll(async () => {
    if (url === null) return;
    const { body } = await fetch(`${url}/${index}*`, { method: "DELETE" });
    await body?.cancel();
  });
  return function testBoth(name, run) {
    for (const { name: backend, relay } of backends) {
      Deno.test({
        name: `${backend}: ${name}`,
        ignore: relay === null,
        fn: async () => {
          await using client = await connect(relay!.url, { timeoutMs: 30_000 });
          await run(client, relay!.url);
        },
      });
    }
  };
}

/** Stores events and waits until a search finds that many. */
export async function index(client: TestClient, filter: TestFilter, ...events: TestEvent[]): Promise<void> {
  await store(client, ...events);
  await eventually(
    async () => (await idsOf(client, filter)).length === events.length,
    INDEXED_MS,
    "all are indexed",
  );
}
