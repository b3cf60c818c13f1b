/** Tests that one client which sends too much is held back alone: a hundred quiet ones are answered, none is refused. */
import { assertEquals, assertMatch } from "@std/assert";
import { OPCODE, openRawSocket } from "../protocol/raw_socket.ts";
import { connect } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";

const QUIET_CLIENTS = 100;
/** Quiet clients wait for as long as they must: this is no test of time. */
const PATIENCE_MS = 60_000;

/** Each publishes, asks and counts, three times; whatever is refused fails. */
async function everyQuietClientIsServed(url: string): Promise<void> {
  await Promise.all(Array.from({ length: QUIET_CLIENTS }, async (_, n) => {
    await using client = await connect(url, { timeoutMs: PATIENCE_MS });
    for (let round = 0; round < 3; round++) {
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
  await everyQuietClientIsServed(relay.url);
  isOver = true;
  await sending;
  await reading;
  assertEquals(answers.length, sent);
  for (const [type, , isAccepted, reason] of answers) {
    assertEquals(type, "OK");
    if (!isAccepted) assertMatch(String(reason), /^rate-limited: /);
  }
});
