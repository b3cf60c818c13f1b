/** Tests of senders that wait for room: each has its turn, however much the others send. */
import { assertEquals } from "@std/assert";
import { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { createRelayMemory, threadNumber } from "../memory.ts";
import type { FrameSender } from "../verifier/handle.ts";
import type { Answers } from "./answers.ts";
import type { Connection } from "./connection.ts";
import { Events } from "./events.ts";

const memory = createRelayMemory({ gateways: 1, verifiers: 1, readers: 1 }, false);

/** Senders whose sockets bring the next text at once when they are read, and room that the test gives. */
function senders(names: readonly string[]) {
  const passed: string[] = [];
  const room = { left: 0 };
  const frames = {
    send: (_: Connection, text: string) => {
      if (room.left === 0) return "rate-limited: the lane is full";
      room.left--;
      passed.push(text);
      return null;
    },
  } as unknown as FrameSender;
  const events = new Events({
    memory,
    index: 0,
    epoch: 1,
    metrics: new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "gateway")),
    frames,
    answers: {} as Answers,
    connections: new Map(),
  });
  for (const name of names) {
    const flow = { pause: () => {}, resume: () => events.take(connection, name, null) };
    const connection = {
      socket: { flow },
      unanswered: 0,
      unansweredBytes: 0,
      unansweredTags: 0,
    } as unknown as Connection;
    events.take(connection, name, null);
  }
  return {
    passed,
    /** Makes room for so many events. */
    give(count: number): void {
      room.left = count;
      events.resume(null);
    },
  };
}

Deno.test("senders that wait have room in turn, whoever had it last", () => {
  const { passed, give } = senders(["a", "b", "c"]);
  for (let times = 0; times < 6; times++) give(1);
  assertEquals(passed, ["a", "b", "c", "a", "b", "c"]);
});

Deno.test("more senders than are tried at once have their turns too", () => {
  const names = Array.from({ length: 200 }, (_, n) => `${n}`);
  const { passed, give } = senders(names);
  for (let times = 0; times < 2_000; times++) give(1);
  assertEquals(new Set(passed).size, names.length);
});
