/**
 * Tests of upstream relays, with real relays on both sides. Run on the main thread; relays belong to the tests.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";

Deno.test("history and live events of an upstream relay are stored", async () => {
  await using origin = await startRelay();
  await using client = await connect(origin.url);
  const before = Array.from({ length: 20 }, (_, n) => signEvent(testKey(1), { content: `before ${n}` }));
  for (const event of before) await client.publish(event);
  await using relay = await startRelay({ env: { UPSTREAM_RELAYS: origin.url, UPSTREAM_ALLOW: "127.0.0.1" } });
  await using reader = await connect(relay.url);
  try {
    await eventually(
      async () => (await reader.query({ kinds: [1] })).events.length === 20,
      10_000,
      "history is here",
    );
    const live = signEvent(testKey(1), { content: "live" });
    await client.publish(live);
    await eventually(
      async () => (await reader.query({ ids: [live.id] })).events.length === 1,
      5_000,
      "live is here",
    );
  } finally {
    console.log(relay.output());
  }
});
