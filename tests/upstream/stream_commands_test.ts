/**
 * `stream` and `router`, run as an operator runs them: against real relays, beside a running relay and without one.
 * Runs in the test process; the commands and the relays are processes of their own.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";
import { command, startCommand } from "../pipeline/command.ts";

const WAIT_MS = 30_000;
const other = await startRelay({ env: { VERIFY_TIER: "wasm" } });
const ours = await startRelay({ env: { VERIFY_TIER: "wasm" } });

function notes(what: string, count: number): TestEvent[] {
  return Array.from(
    { length: count },
    (_, n) => signEvent(testKey(n % 5), { content: `${what} ${n}`, tags: [["t", what]] }),
  );
}

async function publish(relay: TestRelay, events: readonly TestEvent[]): Promise<void> {
  await using client = await connect(relay.url);
  for (const [, , accepted, reason] of await Promise.all(events.map((event) => client.publish(event)))) {
    if (!accepted) throw new Error(`Cannot publish: ${reason}`);
  }
}

/** Waits until a relay has all of these. */
async function hasAll(relay: TestRelay, events: readonly TestEvent[]): Promise<void> {
  await using client = await connect(relay.url);
  const ids = events.map(({ id }) => id);
  await eventually(
    async () => (await client.query({ ids })).events.length === events.length,
    WAIT_MS,
    `${relay.url} has ${events.length} events`,
  );
}

Deno.test("stream goes both ways beside a running relay, and what came while it was stopped follows later", async () => {
  const [live, here, away, awayHere] = ["live", "here", "away", "awayHere"].map((what) => notes(what, 20));
  {
    await using running = startCommand("stream", ours.dataDir, [other.url, "--dir", "both"]);
    await eventually(() => running.said().includes("connected"), WAIT_MS, "the stream is connected");
    await Promise.all([publish(other, live!), publish(ours, here!)]);
    await Promise.all([hasAll(ours, live!), hasAll(other, here!)]);
    running.signal("SIGINT");
    assertEquals((await running.ended).code, 130, running.said());
  }
  await Promise.all([publish(other, away!), publish(ours, awayHere!)]);
  await using again = startCommand("stream", ours.dataDir, [other.url, "--dir", "both"]);
  await Promise.all([hasAll(ours, away!), hasAll(other, awayHere!)]);
  again.signal("SIGINT");
  assertEquals((await again.ended).code, 130, again.said());
});

Deno.test("a stream that is killed at any moment misses nothing that came before and after", async () => {
  const events = notes("killed", 300);
  const words = [other.url, "--dir", "both"];
  for (let run = 0; run < 3; run++) {
    await using running = startCommand("stream", ours.dataDir, words);
    const sent = publish(run % 2 === 0 ? other : ours, events.slice(run * 100, run * 100 + 100));
    await eventually(() => running.said().includes("connected"), WAIT_MS, "the stream is connected");
    await sent;
    running.signal("SIGKILL");
    await running.ended;
  }
  await using last = startCommand("stream", ours.dataDir, words);
  await Promise.all([hasAll(ours, events), hasAll(other, events)]);
  last.signal("SIGINT");
  assertEquals((await last.ended).code, 130, last.said());
});

Deno.test("router runs the streams of strfry's file without a relay, and follows the file when it changes", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "sluice-commands-" });
  const path = `${dataDir}/router.conf`;
  const fileOf = (tag: string) => `
    # one stream
    streams { mine { dir = "down", filter = { "#t": ["${tag}"] }, urls = [ "${other.url}" ] } }`;
  const [first, second] = [notes("first", 20), notes("second", 20)];
  try {
    await Deno.writeTextFile(path, fileOf("first"));
    await publish(other, [...first, ...second]);
    await using running = startCommand("router", dataDir, [path]);
    await eventually(() => running.said().includes("connected"), WAIT_MS, "the router is connected");
    const stored = async () =>
      (await command("export", dataDir)).lines.map((line) => JSON.parse(line).content);
    await eventually(async () => (await stored()).length === 20, WAIT_MS, "the first stream is stored");
    await Deno.writeTextFile(path, fileOf("second"));
    await eventually(async () => (await stored()).length === 40, WAIT_MS, "the second stream is stored");
    await Deno.writeTextFile(path, "streams { mine {");
    await eventually(() => /router.conf: Cannot/.test(running.said()), WAIT_MS, "the fault is told");
    running.signal("SIGINT");
    const { code, said } = await running.ended;
    assertEquals(code, 130, said);
    assertMatch(said, /received \d+ events, stored 40/);
    await Deno.writeTextFile(path, "streams { mine { dir = 5 } }");
    assertEquals((await command("router", dataDir, "", [path])).code, 1);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
