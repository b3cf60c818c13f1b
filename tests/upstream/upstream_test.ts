/**
 * Tests of upstream relays, with real relays on both sides. Run on the main thread; relays belong to the tests.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { CuttableLink } from "./cuttable_link.ts";
import { ALLOWED, has, notes, publishAll, shown } from "./support.ts";

Deno.test("what an upstream relay has and gets is stored, whatever stops or dies meanwhile", async (t) => {
  await using origin = await startRelay();
  const history = notes(700);
  {
    await using client = await connect(origin.url);
    await publishAll(client, history);
  }
  await using link = new CuttableLink(origin.url);
  await using relay = await startRelay({ env: { ...ALLOWED, UPSTREAM_RELAYS: link.url } });

  await t.step("history and live events", async () => {
    await using client = await connect(origin.url);
    await using reader = await connect(relay.url);
    await eventually(() => has(reader, history.slice(0, 400)), 10_000, "the first half is here");
    await eventually(() => has(reader, history.slice(400)), 10_000, "the other half is here");
    const live = notes(1);
    await publishAll(client, live);
    await eventually(() => has(reader, live), 5_000, "a live event is here");
  });

  await t.step("events of an upstream relay to which there was no way", async () => {
    link.cut();
    const missed = notes(20);
    await using client = await connect(origin.url);
    await publishAll(client, missed);
    link.mend();
    await using reader = await connect(relay.url);
    await eventually(() => has(reader, missed), 15_000, "what came meanwhile is here");
  });

  await t.step("a kill in the middle of a burst, and what comes while we are away", async () => {
    const burst = notes(400);
    await using client = await connect(origin.url);
    const publishing = publishAll(client, burst);
    await eventually(
      async () => (await shown(relay)).get(link.url)!.received > 0,
      5_000,
      "it is being read",
    );
    await relay.kill();
    await publishing;
    const missed = notes(50);
    await publishAll(client, missed);
    await relay.restart();
    await using reader = await connect(relay.url);
    await eventually(
      () => has(reader, [...burst, ...missed]),
      15_000,
      "the burst and what came after it is here",
    );
  });

  await t.step("a worker that dies", async () => {
    const control = await Deno.connect({ transport: "unix", path: `${relay.dataDir}/control.sock` });
    await control.write(new TextEncoder().encode('{"command":"crash","actor":"upstream","index":0}\n'));
    control.close();
    await eventually(() => relay.output().includes("upstream 0 died"), 5_000, "it died");
    const after = notes(5);
    await using client = await connect(origin.url);
    await publishAll(client, after);
    await using reader = await connect(relay.url);
    await eventually(() => has(reader, after), 15_000, "what came after its death is here");
  });

  await t.step("SIGTERM ends it in time", async () => {
    assertEquals((await relay.stop()).code, 0);
  });
});
