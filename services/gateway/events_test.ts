/** Tests of senders that wait for room: each has its turn, however much the others send. */
import { assertEquals } from "@std/assert";
import { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { threadNumber } from "../../wire/actors.ts";
import { createRelayMemory } from "../../wire/memory.ts";
import { EVENT_TAGS_UNANSWERED_ORIGIN_MAX, HELD_TOTAL_CHARS_MAX } from "../../lib/limits.ts";
import type { Origin } from "../../runtime/origin.ts";
import type { OutcomeRecord } from "../../wire/outcome.ts";
import type { Answers } from "./answers.ts";
import { Connection } from "./connection.ts";
import { Events } from "./events.ts";

const memory = createRelayMemory({ gateways: 1, verifiers: 1, readers: 1, plugins: 0 });

/** Senders whose sockets bring the next text at once when they are read, and room that the test gives. */
function senders(names: readonly string[]) {
  const passed: string[] = [];
  const refused: string[] = [];
  const room = { left: 0 };
  const origin = {
    send: (_: Connection, text: string) => {
      if (room.left === 0) return "rate-limited: the lane is full";
      room.left--;
      passed.push(text);
      return null;
    },
  } as unknown as Origin;
  const events = new Events({
    memory,
    metrics: new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "gateway")),
    origin,
    answers: { countOk: () => {} } as unknown as Answers,
    connections: new Map(),
  });
  for (const name of names) {
    const flow = { pause: () => {}, resume: () => events.receive(connection, name, null) };
    const send = (notice: string) => void refused.push(notice);
    const socket = { flow };
    const connection = {
      socket,
      send,
      unanswered: 0,
      unansweredBytes: 0,
      unansweredTags: 0,
    } as unknown as Connection;
    events.receive(connection, name, null);
  }
  return {
    passed,
    refused,
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

Deno.test("what waits for room is bounded for all senders together; what exceeds it is refused", () => {
  const names = Array.from({ length: 40 }, () => "x".repeat(HELD_TOTAL_CHARS_MAX / 32));
  const { passed, refused, give } = senders(names);
  assertEquals(refused, Array(8).fill('["NOTICE","rate-limited: the lane is full"]'));
  give(names.length);
  // Those who waited, and what each sent when it was read again, as far as there was room.
  assertEquals([passed.length, refused.length], [40, 8]);
});

/** Connections of one gateway, whose events are answered when the test says so. */
function tagged(count: number) {
  const taken: number[] = [];
  const answered: number[] = [];
  const origin = {
    unanswered: 0,
    usedBytes: 0,
    drain(receive: (outcome: OutcomeRecord) => void) {
      for (const connection of answered.splice(0)) {
        receive(
          { connection, receivedAtMs: 0, hasId: true, id: "", accepted: true, message: "" } as OutcomeRecord,
        );
      }
      return 0;
    },
    send: (connection: Connection) => {
      connection.unanswered++;
      taken.push(connection.number);
      return null;
    },
  } as unknown as Origin;
  const connections = new Map<number, Connection>();
  const refusals: string[] = [];
  const events = new Events({
    memory,
    metrics: new ThreadMetrics(memory.metrics, threadNumber(memory.counts, "gateway")),
    origin,
    answers: { countOk: () => {}, ok: () => {} } as unknown as Answers,
    connections,
  });
  for (let number = 0; number < count; number++) {
    const connection = Object.assign(Object.create(Connection.prototype) as Connection, {
      number,
      socket: { flow: { pause: () => {}, resume: () => {} } },
      send: (notice: string) => void refusals.push(notice),
      unanswered: 0,
      unansweredBytes: 0,
      unansweredTags: 0,
    });
    connections.set(number, connection);
  }
  return {
    taken,
    refusals,
    events,
    send: (number: number, tags: number) => {
      events.receive(connections.get(number)!, `[${"[".repeat(tags)}${" ".repeat(512)}`, null);
    },
    answer: (number: number) => {
      answered.push(number);
      events.drain();
    },
  };
}

Deno.test("an event of more tags than all may have waiting is taken when others were answered, to the last tag", () => {
  const { taken, events, send, answer } = tagged(3);
  // Of two connections, events whose tags three do not divide.
  for (const tags of [50, 61, 70]) send(0, tags);
  for (const tags of [100, 7, 55]) send(1, tags);
  send(2, 2 * EVENT_TAGS_UNANSWERED_ORIGIN_MAX);
  for (const number of [0, 1]) for (let times = 0; times < 3; times++) answer(number);
  events.resume(null);
  assertEquals(taken.at(-1), 2);
  assertEquals(events.isHolding, false);
});

Deno.test("who waits with many tags is taken in turn, though others' tags never come to an end", () => {
  const { taken, events, send, answer } = tagged(62);
  // Sixty senders of few tags, which need no room, and then one of many.
  for (let number = 0; number < 60; number++) send(number, 480);
  for (const number of [60, 61]) send(number, 15_000);
  assertEquals(events.isHolding, true);
  let rounds = 0;
  for (; rounds < 5 && events.isHolding; rounds++) {
    for (let number = 0; number < 60; number++) {
      answer(number);
      send(number, 480);
      events.resume(null);
    }
  }
  assertEquals([taken.includes(60), taken.includes(61), rounds < 5], [true, true, true]);
});
