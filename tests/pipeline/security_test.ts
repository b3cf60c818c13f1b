/** Tests of what SECURITY.md promises of the whole process: whom it calls, what it writes down, and who may reach it. */
import { assert, assertEquals } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { metricOf, metricsOf, publishGood } from "./traffic.ts";

Deno.test("a URL in an event, a filter or a proof is never called", async () => {
  let calls = 0;
  const trap = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listening = (async () => {
    for await (const connection of trap) {
      calls++;
      connection.close();
    }
  })();
  try {
    const url = `http://127.0.0.1:${trap.addr.port}/x`;
    await using relay = await startRelay({ env: { FLUSH_INTERVAL_MS: "50" } });
    await using client = await connect(relay.url);
    const profile = { name: url, picture: url, nip05: `a@127.0.0.1:${trap.addr.port}`, lud16: url };
    await publishGood(client, [
      signEvent(testKey(1), { kind: 0, content: JSON.stringify(profile) }),
      signEvent(testKey(1), {
        content: url,
        tags: [["r", url], ["e", "0".repeat(64), url], ["imeta", `url ${url}`]],
      }),
      signEvent(testKey(1), { kind: 10_002, tags: [["r", url.replace("http", "ws")]] }),
      signEvent(testKey(1), { kind: 62, tags: [["relay", url.replace("http", "ws")]] }),
    ]).catch(() => {});
    await client.query({ search: url, limit: 10 });
    await client.query({ "#r": [url] });
    client.send([
      "AUTH",
      signEvent(testKey(1), { kind: 22_242, tags: [["relay", url], ["challenge", "x"]] }),
    ]);
    const answer = await fetch(relay.httpUrl, {
      headers: { Referer: url, Origin: url, "X-Forwarded-For": url },
    });
    await answer.body?.cancel();
    await eventually(async () => await metricOf(relay, "nostr_indexer_lag_events") === 0);
    assertEquals(calls, 0);
  } finally {
    trap.close();
    await listening;
  }
});

Deno.test("no client adds a metric, a label or a line of the log", async () => {
  await using relay = await startRelay({ env: { LOG_LEVEL: "debug" } });
  await using client = await connect(relay.url);
  await publishGood(client, [signEvent(testKey(1))]);
  const before = new Set((await metricsOf(relay)).keys());
  const lines = relay.output().split("\n").length;
  const forged = '"} 1\nevil{a="b"} 1\n2026-01-01T00:00:00.000Z error main: forged';
  for (const verb of [forged, "EVIL", "__proto__", "constructor"]) client.send([verb, forged]);
  client.send(["REQ", forged.slice(0, 60), { search: forged }]);
  client.send(["CLOSE", forged]);
  client.send(["EVENT", { id: forged, content: forged }]);
  await client.publish(signEvent(testKey(2), { content: forged, tags: [[forged, forged]] }));
  const { status, body } = await fetch(`${relay.httpUrl}/${encodeURIComponent(forged)}`);
  await body?.cancel();
  assertEquals(status, 404);
  assertEquals(new Set((await metricsOf(relay)).keys()), before);
  assert(!relay.output().includes("\nevil"), relay.output());
  assert(!/^2026-01-01T00:00:00/m.test(relay.output()), relay.output());
  assert(relay.output().split("\n").length <= lines + 2, "a client's mistakes are no news to the operator");
});

Deno.test("a password is in no page and no line of the log, even where OpenSearch is away", async () => {
  const password = "correct-horse-battery";
  await using relay = await startRelay({
    env: {
      LOG_LEVEL: "debug",
      OPENSEARCH_URL: `http://127.0.0.1:${freePort()}`,
      OPENSEARCH_USER: "relay",
      OPENSEARCH_PASSWORD: password,
    },
  });
  await using client = await connect(relay.url, { timeoutMs: 20_000 });
  const { closed } = await client.query({ search: "x" });
  await eventually(async () => await metricOf(relay, "nostr_bulk_failures_total") > 0);
  const pages = await Promise.all(
    ["/", "/health", "/metrics", "/ready"].map(async (path) =>
      await (await fetch(relay.httpUrl + path)).text()
    ),
  );
  const encoded = btoa(`relay:${password}`);
  for (const text of [...pages, relay.output(), JSON.stringify(closed)]) {
    assert(!text.includes(password) && !text.includes(encoded));
  }
});

Deno.test("only the relay's own user reaches the control socket", async () => {
  await using relay = await startRelay();
  const { mode } = await Deno.stat(`${relay.dataDir}/control.sock`);
  assertEquals(mode! & 0o777, 0o600);
});
