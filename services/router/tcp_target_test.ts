/** Tests of a target by TCP against a listener of the test: from where it goes on after its connection broke. */
import { assertEquals } from "@std/assert";
import { createMetricsMemory, ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { Logger } from "../../runtime/logger.ts";
import { eventually } from "../../tests/support/eventually.ts";
import { freePort } from "../../tests/support/free_port.ts";
import { plainEvent } from "../../tests/support/plain_event.ts";
import { LineTarget } from "../../tests/upstream/line_peer.ts";
import { createLogLevel } from "../../wire/log_level.ts";
import { FedStore } from "./feed_test_fixture.ts";
import { Places } from "./places.ts";
import { TcpTarget } from "./tcp_target.ts";

const BOUND_MS = 10_000;

Deno.test("what a target has not acknowledged since its first acknowledgement comes again", async () => {
  using store = new FedStore();
  const directory = await Deno.makeTempDir();
  const feed = store.feed({ kinds: [1] });
  const places = new Places(`${directory}/router.db`, feed.endSeq, () => {});
  const stop = new AbortController();
  await using listening = new LineTarget(freePort());
  const target = new TcpTarget(`127.0.0.1:${listening.port}`, {
    feed,
    places,
    metrics: new ThreadMetrics(createMetricsMemory(1), 0),
    log: new Logger("router", createLogLevel("error")),
    stop: stop.signal,
  });
  const running = target.run();
  for (const digit of "123") store.write(plainEvent({ id: digit.repeat(64) }));
  feed.follow();
  const stored = () => {
    target.store();
    return target.seq;
  };
  const linesOf = (peer: number) => listening.peers[peer]?.lines.map(({ seq }) => seq) ?? [];
  await eventually(() => linesOf(0).length === 3, BOUND_MS);
  await listening.peers[0]!.send({ ack: 1 });
  await eventually(() => stored() === 1, BOUND_MS);
  // Not for the target: it may be passed over only with what it has.
  store.write(plainEvent({ id: "4".repeat(64), kind: 7 }));
  feed.follow();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assertEquals(stored(), 1);
  await listening.peers[0]![Symbol.asyncDispose]();
  await eventually(() => linesOf(1).length === 2, BOUND_MS);
  assertEquals(linesOf(1), [2, 3]);
  await listening.peers[1]!.send({ ack: 3 });
  await eventually(() => stored() >= 3, BOUND_MS);
  feed.close();
  stop.abort();
  await running;
  places.close();
  await Deno.remove(directory, { recursive: true });
});
