/**
 * Events as long as the relay takes them, many in one answer: a query that meets them is answered, and an import takes
 * no longer ones than clients may send, unless it is told to.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { FRAME_BYTES_MAX, GATEWAY_QUERY_ROWS_MAX } from "../../lib/limits.ts";
import { command } from "../pipeline/command.ts";
import { publishGood } from "../pipeline/traffic.ts";
import { connect } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";

const NOW = 1_700_000_000;
const AUTHORS = [testKey(1).pubkey];

/** So many short notes, newer than all long ones, that a gateway passes the query on to a reader before it meets those. */
function shortNotes(): TestEvent[] {
  return Array.from(
    { length: GATEWAY_QUERY_ROWS_MAX + 100 },
    (_, n) => signEvent(testKey(1), { created_at: NOW + 1_000, content: `${n}` }),
  );
}

function longNotes(count: number, bytes: number): TestEvent[] {
  return Array.from(
    { length: count },
    (_, n) => signEvent(testKey(1), { created_at: NOW + n, content: `${n} ${"x".repeat(bytes)}` }),
  );
}

const jsonl = (events: readonly TestEvent[]) => events.map((event) => JSON.stringify(event)).join("\n");

Deno.test("a query for events of the longest messages that an operator may allow is answered whole", async () => {
  const most = String(FRAME_BYTES_MAX);
  await using relay = await startRelay({ env: { MAX_MESSAGE_LENGTH: most, MAX_CONTENT_LENGTH: most } });
  await using client = await connect(relay.url, { timeoutMs: 30_000 });
  const short = shortNotes();
  const long = longNotes(6, FRAME_BYTES_MAX - 1_000);
  const all = [...short, ...long];
  await publishGood(client, short);
  await publishGood(client, long, 1);
  const { events, eose, closed } = await client.query({ authors: AUTHORS, limit: 5_000 });
  assertEquals(closed, undefined);
  assertEquals([events.length, eose?.[0]], [all.length, "EOSE"]);
});

Deno.test("an import refuses and names what no client could send, beside a relay and without one", async () => {
  const [long] = longNotes(1, 300_000);
  const [short] = shortNotes();
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-long-" });
  try {
    for (const words of [[], ["--no-verify"]]) {
      const alone = await command("import", dataDir, jsonl([long!, short!]), words);
      assertMatch(alone.said, /refused 1 times: invalid: the event is longer than a message of 262144 bytes/);
      assertEquals(alone.code, 3);
    }
    await using relay = await startRelay({ dataDir });
    const beside = await command("import", relay.dataDir, jsonl([long!, short!]), ["--no-verify"]);
    assertMatch(beside.said, /refused 1 times: invalid: the event is longer than a message of 262144 bytes/);
    const tagged = signEvent(testKey(1), { tags: Array.from({ length: 5_001 }, () => ["t"]) });
    const trusted = await command("import", relay.dataDir, jsonl([tagged]), ["--no-verify"]);
    assertMatch(trusted.said, /refused 1 times: invalid: the event has more than 5000 tags/);
    const told = await command("import", relay.dataDir, jsonl([long!, tagged]), ["--no-limits"]);
    assertMatch(told.said, /stored 2, already there 0, refused 0/);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("what an import without limits has stored is served whole", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-long-" });
  try {
    const all = [...shortNotes(), ...longNotes(4, 2_000_000)];
    assertEquals((await command("import", dataDir, jsonl(all), ["--no-limits"])).code, 0);
    await using relay = await startRelay({ dataDir });
    await using client = await connect(relay.url, { timeoutMs: 30_000 });
    const { events, closed } = await client.query({ authors: AUTHORS, limit: 5_000 });
    assertEquals(closed, undefined);
    assertEquals(events.length, all.length);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
