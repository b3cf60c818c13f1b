/** Tests of a stream that goes up, against a relay and a log in memory: what is sent, and where the cursor lies. */
import { assertEquals, assertRejects } from "@std/assert";
import { ModelLog } from "../../tests/support/model_log.ts";
import { type Habits, type ModelEvent, ModelRelay, Tasks } from "../../tests/support/model_relay.ts";
import {
  UPSTREAM_RETRY_SECONDS_MAX,
  UPSTREAM_RETRY_SECONDS_MIN,
  UPSTREAM_SEND_ATTEMPTS_MAX,
  UPSTREAM_SENT_CHARS_MAX,
  UPSTREAM_SENT_UNANSWERED_MAX,
} from "../limits.ts";
import { StreamFault } from "./stream_reads.ts";
import { UpStream, type UpStreamParts } from "./up_stream.ts";

function scene(habits: Partial<Habits> = {}, parts: Partial<UpStreamParts> = {}) {
  const tasks = new Tasks();
  const relay = new ModelRelay({ limitMax: 100, ...habits }, tasks);
  const log = new ModelLog();
  const time = { now: 0 };
  function connect(after = 0) {
    const conversation = relay.connect();
    const stream = new UpStream({
      conversation,
      log,
      after,
      isWanted: (text) => (JSON.parse(text) as ModelEvent).kind === 1,
      cameFrom: () => false,
      approve: null,
      textOf: (id) => log.texts.get(id) ?? null,
      nowSeconds: () => time.now,
      ...parts,
    });
    return { stream, conversation };
  }
  const ids = () => [...relay.events.keys()].map((id) => parseInt(id, 16));
  return { tasks, relay, log, time, connect, ids };
}

Deno.test("events of the filter go up in the order of the log, within a window", async () => {
  const { tasks, log, connect, ids } = scene();
  for (let n = 0; n < 300; n++) log.write(n % 3 === 0 ? 7 : 1);
  const { stream, conversation } = connect();
  while (stream.step());
  assertEquals(conversation.unanswered, UPSTREAM_SENT_UNANSWERED_MAX);
  assertEquals(stream.cursor, 1);
  await tasks.run(10);
  assertEquals(stream.cursor, 16);
  await tasks.run();
  assertEquals([ids().length, stream.cursor, stream.lag], [200, 300, 0]);
  assertEquals(ids(), ids().toSorted((a, b) => a - b));
  log.write();
  stream.step();
  await tasks.run();
  assertEquals([ids().length, stream.cursor], [201, 301]);
});

Deno.test("what was written while the relay was away goes up later, from the cursor", async () => {
  const { tasks, relay, log, connect, ids } = scene();
  for (let n = 0; n < 100; n++) log.write();
  const first = connect();
  first.stream.step();
  await tasks.run(30);
  relay.disconnect();
  first.stream.stop();
  await tasks.run();
  assertEquals(first.stream.cursor <= 30, true);
  for (let n = 0; n < 50; n++) log.write();
  const second = connect(first.stream.cursor);
  while (second.stream.step());
  await tasks.run();
  assertEquals([ids().length, second.stream.cursor], [150, 150]);
  // What the relay had accepted and not answered, or answered out of order, is all that is sent twice.
  assertEquals(second.stream.counts.duplicates <= UPSTREAM_SENT_UNANSWERED_MAX, true);
});

Deno.test("a refusal for what the event is passes it, and a fault of the relay is tried again", async () => {
  const answers = new Map([[1, "blocked: no"], [2, "error: disk"], [3, "duplicate: had it"], [
    4,
    "pow: 30 bits",
  ]]);
  let attempts = 0;
  const { tasks, log, time, connect, ids } = scene({
    answer: ({ id }) => {
      const number = parseInt(id, 16);
      const message = answers.get(number);
      if (number === 2) attempts++;
      return message === undefined ? null : { accepted: false, message };
    },
  });
  for (let n = 0; n < 5; n++) log.write();
  const { stream } = connect();
  stream.step();
  await tasks.run();
  assertEquals([ids(), stream.cursor], [[5], 1]);
  assertEquals(stream.counts, { sent: 5, accepted: 1, duplicates: 1, refused: 2, failed: 0 });
  stream.step();
  await tasks.run();
  assertEquals(attempts, 1);
  for (let n = 0; n < 10; n++) {
    time.now += 100;
    stream.step();
    await tasks.run();
  }
  assertEquals([attempts, stream.counts.failed, stream.cursor], [UPSTREAM_SEND_ATTEMPTS_MAX, 1, 5]);
});

Deno.test("a relay that wants another authentication gets nothing more, and the cursor stays", async () => {
  const { tasks, log, connect } = scene({
    answer: () => ({ accepted: false, message: "auth-required: members only" }),
  });
  for (let n = 0; n < 100; n++) log.write();
  const { stream } = connect();
  stream.step();
  const offered = assertRejects(() => stream.offer([log.write()]), StreamFault, "members only");
  await tasks.run();
  await offered;
  assertEquals([stream.failure, stream.cursor, stream.step()], ["auth-required: members only", 0, false]);
  await assertRejects(() => stream.offer([]), StreamFault, "members only");
});

Deno.test("what came from the relay, was removed or is kept by a plugin is not sent", async () => {
  const { tasks, log, connect, ids } = scene({}, {
    cameFrom: (id) => id.endsWith("2"),
    approve: (_, id) => Promise.resolve(!id.endsWith("3")),
  });
  for (let n = 0; n < 5; n++) log.write();
  log.remove([...log.texts.keys()][3]!);
  const { stream } = connect();
  stream.step();
  await tasks.run();
  assertEquals([ids(), stream.cursor], [[1, 5], 6]);
});

Deno.test("a plugin that fails passes no event: it is asked again, and the cursor waits", async () => {
  let hasFailed = true;
  const { tasks, log, time, connect, ids } = scene({}, {
    approve: (_, id) => Promise.resolve(hasFailed && id.endsWith("2") ? null : true),
  });
  for (let n = 0; n < 3; n++) log.write();
  const { stream } = connect();
  stream.step();
  await tasks.run();
  for (let n = 0; n < 2 * UPSTREAM_SEND_ATTEMPTS_MAX; n++) {
    time.now += UPSTREAM_RETRY_SECONDS_MIN;
    stream.step();
    await tasks.run();
  }
  assertEquals([ids(), stream.cursor], [[1, 3], 1]);
  hasFailed = false;
  time.now += UPSTREAM_RETRY_SECONDS_MIN;
  stream.step();
  await tasks.run();
  assertEquals([ids(), stream.cursor], [[1, 3, 2], 3]);
});

Deno.test("an event that is removed while it waits to be sent again is not sent", async () => {
  let answers = 0;
  const { tasks, log, time, connect, ids } = scene({
    answer: () => ++answers > 2 ? null : { accepted: false, message: "rate-limited: slow down" },
  });
  const removed = log.write();
  log.write();
  const { stream } = connect();
  stream.step();
  await tasks.run();
  log.remove(removed);
  time.now += UPSTREAM_RETRY_SECONDS_MAX;
  stream.step();
  await tasks.run();
  assertEquals([ids(), answers, stream.cursor >= 2], [[2], 3, true]);
});

Deno.test("an event that is removed before its turn is not sent", async () => {
  const { tasks, log, connect, ids } = scene();
  for (let n = 0; n < 70; n++) log.write();
  const { stream } = connect();
  stream.step();
  log.remove([...log.texts.keys()][69]!);
  await tasks.run();
  assertEquals([ids().length, stream.cursor], [69, 71]);
});

Deno.test("long events fill the window by their characters", async () => {
  const { tasks, log, connect, ids } = scene();
  for (let n = 1; n <= 10; n++) {
    const content = "x".repeat(UPSTREAM_SENT_CHARS_MAX / 4);
    log.add({ id: n.toString(16).padStart(64, "0"), created_at: 1, kind: 1, content });
  }
  const { stream, conversation } = connect();
  while (stream.step());
  assertEquals(conversation.unanswered, 4);
  await tasks.run();
  assertEquals([ids().length, stream.cursor], [10, 10]);
});

Deno.test("offered events go up beside those of the log, and the offer ends with the last answer", async () => {
  const { tasks, log, connect, ids } = scene();
  for (let n = 0; n < 500; n++) log.write();
  const { stream } = connect(200);
  stream.step();
  let isDone = false;
  const offer = stream.offer([...log.texts.keys()].slice(0, 150)).then(() => isDone = true);
  await tasks.run(200);
  assertEquals(isDone, false);
  await tasks.run();
  await offer;
  assertEquals([ids().length, stream.cursor], [450, 500]);
});
