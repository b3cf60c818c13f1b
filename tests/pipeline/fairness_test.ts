/** Tests that clients which send too much are held back alone: a hundred quiet ones are answered, none is refused. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { OPCODE, openRawSocket } from "../protocol/raw_socket.ts";
import { connect } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import type { Flood, FloodReport } from "./flood_worker.ts";

const QUIET_CLIENTS = 100;
/** Quiet clients wait for as long as they must: this is no test of time. */
const PATIENCE_MS = 60_000;

/** Each publishes, asks and counts, so many times; whatever is refused fails. */
async function everyQuietClientIsServed(url: string, rounds: number): Promise<void> {
  await Promise.all(Array.from({ length: QUIET_CLIENTS }, async (_, n) => {
    await using client = await connect(url, { timeoutMs: PATIENCE_MS });
    for (let round = 0; round < rounds; round++) {
      const event = signEvent(testKey(2_000 + n), { content: `quiet ${n} ${round}` });
      assertEquals(await client.publish(event, PATIENCE_MS), ["OK", event.id, true, ""]);
      const { events, closed } = await client.query({ ids: [event.id] });
      assertEquals([events.length, closed], [1, undefined]);
      client.send(["COUNT", "own", { authors: [event.pubkey] }]);
      const [type, , answer] = await client.next(([type]) => type === "COUNT" || type === "CLOSED");
      assertEquals([type, (answer as { count: number }).count], ["COUNT", round + 1]);
    }
  }));
}

Deno.test("one client that floods long events fills nobody else's room", async () => {
  await using relay = await startRelay();
  using flooder = await openRawSocket(relay.url);
  const events = Array.from(
    { length: 200 },
    (_, n) => signEvent(testKey(1), { content: n + "f".repeat(60_000) }),
  );
  const frames = events.map((event) => JSON.stringify(["EVENT", event]));
  let isOver = false;
  let sent = 0;
  const sending = (async () => {
    for (; !isOver; sent++) await flooder.send(OPCODE.text, frames[sent % frames.length]!);
  })();
  const answers: unknown[][] = [];
  const reading = (async () => {
    while (!isOver || answers.length < sent) answers.push(await flooder.nextMessage());
  })();
  await everyQuietClientIsServed(relay.url, 3);
  isOver = true;
  await sending;
  await reading;
  assertEquals(answers.length, sent);
  for (const [type, , isAccepted, reason] of answers) {
    assertEquals(type, "OK");
    if (!isAccepted) assertMatch(String(reason), /^rate-limited: /);
  }
});

/** A flood on a thread of its own; ending it brings its answers. */
async function startFlood(flood: Flood) {
  const worker = new Worker(new URL("./flood_worker.ts", import.meta.url), { type: "module" });
  const inbox: unknown[] = [];
  let wake = () => {};
  worker.onmessage = ({ data }) => {
    inbox.push(data);
    wake();
  };
  const next = async () => {
    while (inbox.length === 0) await new Promise<void>((resolve) => wake = resolve);
    return inbox.shift();
  };
  await next();
  worker.postMessage(flood);
  assertEquals(await next(), "flooding");
  return {
    async end(): Promise<FloodReport> {
      worker.postMessage("stop");
      return await next() as FloodReport;
    },
    [Symbol.dispose]: () => worker.terminate(),
  };
}

/** Three floods at once; see the tests. */
async function nobodyIsHeldUp(engine: string): Promise<void> {
  await using relay = await startRelay({ env: { WEBSOCKET_ENGINE: engine } });
  const { url } = relay;
  const requests = Array.from({ length: 500 }, (_, n) => [
    ["REQ", `cycle ${n % 7}`, { kinds: [1, 2_000 + n], "#t": [`t${n}`], limit: 1 }],
    ["CLOSE", `cycle ${n % 7}`],
  ]).flat();
  const events = Array.from(
    { length: 200 },
    (_, n) => ["EVENT", signEvent(testKey(1), { content: `f${n}` })],
  );
  using requesting = await startFlood({ url, messages: requests, answersPerRound: 0 });
  using publishing = await startFlood({ url, messages: events, answersPerRound: events.length });
  using babbling = await startFlood({
    url,
    messages: Array.from({ length: 1_000 }, () => []),
    answersPerRound: 0,
  });
  await everyQuietClientIsServed(url, 1);
  const answers = [await requesting.end(), await publishing.end(), await babbling.end()];
  for (const [n, kinds] of [/^(EOSE|CLOSED rate-limited)$/, /^OK( rate-limited)?$/, /^NOTICE$/].entries()) {
    assert(Object.keys(answers[n]!).length > 0);
    for (const kind of Object.keys(answers[n]!)) assertMatch(kind, kinds);
  }
}

Deno.test("floods of requests, of events and of nonsense hold up no quiet client (serve)", async () => {
  await nobodyIsHeldUp("serve");
});

Deno.test("floods of requests, of events and of nonsense hold up no quiet client (ws)", async () => {
  await nobodyIsHeldUp("ws");
});
