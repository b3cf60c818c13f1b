/**
 * The commands that work with another relay, run as an operator runs them: against the real relay.
 * Runs in the test process; the commands and the relays are processes of their own.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect } from "../support/client.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { command } from "../pipeline/command.ts";

const FIRST_SECOND = 1_790_000_000;

/** Another relay, which answers a filter with 50 events at most. */
const other = await startRelay({ env: { MAX_LIMIT: "50", VERIFY_TIER: "wasm" } });
const dataDir = await Deno.makeTempDir({ prefix: "sluice-commands-" });
globalThis.addEventListener("unload", () => Deno.removeSync(dataDir, { recursive: true }));

/** Notes of which three share each second. */
function notes(what: string, count: number): TestEvent[] {
  return Array.from({ length: count }, (_, n) =>
    signEvent(testKey(n % 5), {
      content: `${what} ${n}`,
      created_at: FIRST_SECOND + Math.floor(n / 3),
      tags: [["t", what]],
    }));
}

const jsonl = (events: readonly TestEvent[]) =>
  events.map((event) => JSON.stringify(event)).join("\n") + "\n";
const idsOf = (events: readonly TestEvent[]) => events.map(({ id }) => id).toSorted();
const idsIn = (lines: readonly string[]) => idsOf(lines.map((line) => JSON.parse(line) as TestEvent));
const tagged = (what: string, more: object = {}) => JSON.stringify({ "#t": [what], ...more });

async function publish(relay: TestRelay, events: readonly TestEvent[]): Promise<void> {
  await using client = await connect(relay.url);
  for (const [, , accepted, reason] of await Promise.all(events.map((event) => client.publish(event)))) {
    if (!accepted) throw new Error(`Cannot publish: ${reason}`);
  }
}

Deno.test("upload sends all lines, names what the relay refuses, and ends with 3 if it refused any", async () => {
  const events = notes("upload", 120);
  const sent = await command("upload", dataDir, jsonl(events), [other.url]);
  assertEquals(sent.code, 0, sent.said);
  assertMatch(sent.said, /Sent 120 events, 120 accepted/);
  const forged = { ...events[0]!, content: "forged" };
  const again = await command("upload", dataDir, `${jsonl([events[1]!, forged])}nonsense\n`, [other.url]);
  assertEquals(again.code, 3, again.said);
  assertMatch(again.said, /Event not written: \["OK","[0-9a-f]{64}",false,"invalid: the id is not the hash/);
  assertMatch(again.said, /line 3: it is not an event as JSON/);
  assertMatch(again.said, /Sent 2 events, 1 accepted/);
});

Deno.test("download goes on where the relay's limit cuts, and writes each event once, newest first", async () => {
  const events = notes("download", 320);
  await publish(other, events);
  const all = await command("download", dataDir, "", [other.url, "--filter", tagged("download")]);
  assertEquals(all.code, 0, all.said);
  assertEquals(idsIn(all.lines), idsOf(events));
  const few = await command("download", dataDir, "", [
    other.url,
    "--filter",
    tagged("download", { limit: 70 }),
  ]);
  assertEquals(few.lines.length, 70);
  assertEquals(JSON.parse(few.lines[0]!).created_at, events.at(-1)!.created_at);
});

Deno.test("a download of a stretch of ages brings what is as old", async () => {
  const now = Math.floor(Date.now() / 1000);
  const ages = [100, 3_000, 10_000].map((age) =>
    signEvent(testKey(1), { content: `aged ${age}`, created_at: now - age, tags: [["t", "aged"]] })
  );
  await publish(other, ages);
  const words = [other.url, "--filter", tagged("aged"), "--range", "2h-10m"];
  assertEquals(idsIn((await command("download", dataDir, "", words)).lines), [ages[1]!.id]);
});

Deno.test("words that make no sense are told with code 2, and a relay that is not there with code 1", async () => {
  for (
    const [name, ...words] of [
      ["download"],
      ["download", "https://example.com"],
      ["download", other.url, "--range", "1d-7d"],
      ["download", other.url, "--filter", '{"kinds":"x"}'],
      ["upload", other.url, "--pipeline", "0"],
    ] as const
  ) {
    const { code, said } = await command(name, dataDir, "", words);
    assertEquals(code, 2, said);
    assertMatch(said, /^Cannot .*\n\n.*deno task /s);
  }
  const { code, said } = await command("download", dataDir, "", ["ws://127.0.0.1:1"]);
  assertEquals(code, 1);
  assertMatch(said, /Cannot connect to "ws:\/\/127.0.0.1:1": nobody listens there/);
});

Deno.test("sync brings both sides to the same events beside a running relay, whose subscribers see them", async () => {
  const events = notes("sync", 300);
  await using relay = await startRelay({ env: { VERIFY_TIER: "wasm" } });
  await Promise.all([publish(other, events.slice(0, 200)), publish(relay, events.slice(100))]);
  await using subscriber = await connect(relay.url);
  subscriber.send(["REQ", "live", { "#t": ["sync"], limit: 0 }]);
  await subscriber.nextOfType("EOSE");
  const words = [other.url, "--filter", tagged("sync")];
  const compared = await command("sync", relay.dataDir, "", [...words, "--dir", "none", "--print-missing"]);
  assertEquals(compared.code, 0, compared.said);
  assertEquals(
    compared.lines.toSorted(),
    [
      ...events.slice(200).map(({ id }) => `have ${id}`),
      ...events.slice(0, 100).map(({ id }) => `need ${id}`),
    ].toSorted(),
  );
  const synced = await command("sync", relay.dataDir, "", words);
  assertEquals(synced.code, 0, synced.said);
  assertMatch(synced.said, /Set reconcile complete. Have 100 need 100\n/);
  assertMatch(synced.said, /UP: 100 events \(0 remaining\)\nDOWN: 100 events \(0 remaining\)/);
  for (let n = 0; n < 100; n++) await subscriber.nextOfType("EVENT");
  const again = await command("sync", relay.dataDir, "", words);
  assertMatch(again.said, /Filter matches 300 events\nSet reconcile complete. Have 0 need 0\n/);
  const there = await command("download", dataDir, "", words);
  assertEquals(idsIn(there.lines), idsOf(events));
});

Deno.test("sync down without a relay fills a store, in stretches if the other relay compares few at once", async () => {
  const events = notes("alone", 320);
  await using small = await startRelay({ env: { NEGENTROPY_EVENTS_MAX: "100", VERIFY_TIER: "wasm" } });
  await publish(small, events);
  const alone = await Deno.makeTempDir({ prefix: "sluice-commands-" });
  try {
    const down = await command("sync", alone, "", [small.url, "--dir", "down", "--filter", tagged("alone")]);
    assertEquals(down.code, 0, down.said);
    assertEquals(idsIn((await command("export", alone)).lines), idsOf(events));
  } finally {
    await Deno.remove(alone, { recursive: true });
  }
});
