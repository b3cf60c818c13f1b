/**
 * Events in and out as JSONL, with the commands an operator runs: beside a running relay and without one.
 * Runs in the test process; the commands and the relay are processes of their own.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { command } from "./command.ts";

function notes(count: number): TestEvent[] {
  return Array.from({ length: count }, (_, n) => signEvent(testKey(n % 5), { content: `note ${n} é\n"` }));
}

const jsonl = (events: readonly TestEvent[]) =>
  events.map((event) => JSON.stringify(event)).join("\n") + "\n";
const idsOf = (lines: readonly string[]) =>
  lines.map((line) => (JSON.parse(line) as TestEvent).id).toSorted();

Deno.test("what is imported beside a running relay is served live and stored, or refused with reasons", async () => {
  await using relay = await startRelay();
  await using subscriber = await connect(relay.url);
  subscriber.send(["REQ", "live", { kinds: [1], limit: 0 }]);
  await subscriber.nextOfType("EOSE");
  const events = notes(300);
  const forged = { ...events[0]!, content: "forged" };
  const imported = await command(
    "import",
    relay.dataDir,
    `${jsonl(events)}${jsonl([events[1]!, forged])}nonsense\n`,
  );
  assertEquals(imported.code, 3, imported.said);
  assertMatch(imported.said, /read 303, stored 300, already there 1, refused 2/);
  assertMatch(imported.said, /the id is not the hash of the event/);
  for (let n = 0; n < events.length; n++) await subscriber.nextOfType("EVENT");
  const exported = await command("export", relay.dataDir);
  assertEquals(idsOf(exported.lines), events.map(({ id }) => id).toSorted());
  const filter = JSON.stringify({ authors: [testKey(0).pubkey], limit: 7 });
  assertEquals((await command("export", relay.dataDir, "", ["--filter", filter])).lines.length, 7);
});

Deno.test("without a relay both work on the store, and a relay that starts later serves and finds it", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-import-" });
  try {
    const events = notes(200);
    const spoiled = { ...events[0]!, sig: "00".repeat(64) };
    const refused = await command("import", dataDir, jsonl([spoiled]));
    assertEquals(refused.code, 3);
    assertMatch(refused.said, /the signature does not verify/);
    assertEquals((await command("import", dataDir, jsonl([spoiled]), ["--no-verify"])).code, 0);
    const imported = await command("import", dataDir, jsonl(events));
    assertEquals(imported.code, 0, imported.said);
    assertMatch(imported.said, /read 200, stored 199, already there 1/);
    assertEquals((await command("export", dataDir)).lines.length, 200);
    await using relay = await startRelay({ dataDir });
    await using client = await connect(relay.url);
    const { events: served } = await client.query({ kinds: [1], limit: 500 });
    assertEquals(served.map(({ id }) => id).toSorted(), events.map(({ id }) => id).toSorted());
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a line that no message could hold is refused, beside a relay and alone, and others are read", async () => {
  const long = `{"content":"${"x".repeat(5_000_000)}"}`;
  const [before, after] = notes(2);
  const lines = `${JSON.stringify(before)}\n${long}\n${JSON.stringify(after)}\n`;
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-import-" });
  try {
    const alone = await command("import", dataDir, lines);
    assertMatch(alone.said, /read 3, stored 2, already there 0, refused 1/);
    await using relay = await startRelay({ dataDir });
    const beside = await command("import", relay.dataDir, lines);
    assertEquals(beside.code, 3, beside.said);
    assertMatch(beside.said, /read 3, stored 0, already there 2, refused 1/);
    assertMatch(beside.said, /longer than/);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
