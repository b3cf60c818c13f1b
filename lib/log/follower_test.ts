/**
 * Tests of a follower's place in the log: each entry once and in order, from the tail or from rows, whatever is lost.
 * Run on the main thread, with a log that the test gives and the real tail.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createDoorbellMemory, Doorbell } from "../queue/doorbell.ts";
import { Follower } from "./follower.ts";
import type { LogRange, LogSink } from "./log_rows.ts";
import { createTailMemory, TailProducer } from "./tail.ts";
import { TAIL_EPHEMERAL, TAIL_REACHED, TAIL_STORED } from "./tail_entry.ts";

type Row = readonly [seq: number];

/** A log of additions whose entries are their numbers, and a follower of it. */
function open(stored: number, { after, hasTail = true }: { after?: number; hasTail?: boolean } = {}) {
  const tail = createTailMemory(256);
  const producer = new TailProducer(tail);
  const seqBytes = (seq: number) => new Uint8Array(new Float64Array([seq]).buffer);
  const seen: string[] = [];
  let reads = 0;
  const log = {
    lastSeq: stored,
    give({ after, to, max }: LogRange, sink: LogSink<Row, never>) {
      reads++;
      const end = Math.min(to, after + max);
      for (let seq = after + 1; seq <= end; seq++) sink.add([seq]);
      return end;
    },
  };
  const follower = new Follower<Row, never>({
    log,
    tail,
    sink: { add: ([seq]) => seen.push(`row ${seq}`), remove: () => {} },
    ...(hasTail && { record: ({ doubles, type }) => seen.push(`${type} ${doubles[0]}`) }),
    ...(after !== undefined && { after }),
  });
  return {
    follower,
    seen: () => seen.splice(0),
    reads: () => reads,
    store: () => ++log.lastSeq,
    publish: (seq = log.lastSeq, type = TAIL_STORED) =>
      producer.append(type, seqBytes(seq), new Uint8Array(0)),
  };
}

Deno.test("a follower begins with what is still to come, and reads the tail alone", () => {
  const { follower, seen, reads, store, publish } = open(5);
  assertEquals([follower.step(10), seen()], [true, []]);
  for (let n = 0; n < 3; n++) publish(store());
  publish(8, TAIL_EPHEMERAL);
  assertEquals([follower.step(2), seen(), follower.cursor], [false, ["1 6", "1 7"], 7]);
  assertEquals([follower.step(10), seen(), follower.lag], [true, ["1 8", "2 8"], 0]);
  assertEquals(reads(), 0);
});

Deno.test("a follower with a cursor reads rows up to where it joined the tail, and meets nothing twice", () => {
  const { follower, seen, store, publish } = open(5, { after: 2 });
  publish(5);
  publish(store());
  assertEquals([follower.step(2), seen()], [false, ["row 3", "row 4"]]);
  assertEquals([follower.step(10), seen()], [true, ["row 5", "1 6"]]);
});

Deno.test("a follower that is lapped reads rows for what the tail has lost, and joins it again", () => {
  const { follower, seen, store, publish } = open(0);
  for (let n = 0; n < 50; n++) publish(store());
  assertEquals(follower.step(100), true);
  assertEquals(seen(), Array.from({ length: 50 }, (_, n) => `row ${n + 1}`));
  publish(store());
  assertEquals([follower.step(10), seen()], [true, ["1 51"]]);
});

Deno.test("a follower reads rows for what a store that died has not published", () => {
  const { follower, seen, store, publish } = open(0);
  publish(store());
  store();
  publish(store(), TAIL_REACHED);
  publish(store());
  assertEquals([follower.step(10), seen()], [true, ["1 1", "row 2", "row 3", "1 4"]]);
  store();
  publish(store());
  assertEquals([follower.step(10), seen()], [true, ["row 5", "row 6"]]);
});

Deno.test("a follower of rows knows by the tail whether the log goes on, and takes for certain when it says so", () => {
  const { follower, seen, reads, store, publish } = open(3, { hasTail: false, after: 0 });
  follower.peek(2);
  follower.peek(2);
  assertEquals([seen(), follower.cursor], [["row 1", "row 2", "row 1", "row 2"], 0]);
  follower.moveTo(2);
  assertEquals([follower.hasMore, follower.step(10), follower.hasMore], [true, true, false]);
  const before = reads();
  assertEquals([follower.step(10), reads()], [true, before]);
  publish(store());
  assertEquals([follower.hasMore, follower.step(10), seen()], [true, true, ["row 3", "row 4"]]);
});

Deno.test("a follower at the end sleeps until the log goes on", async () => {
  const { follower, store, publish } = open(1);
  const bell = new Doorbell(createDoorbellMemory());
  const waiting = follower.wait(bell, 60_000);
  publish(store());
  bell.ring();
  await waiting;
  await follower.wait(bell, 60_000);
  assertEquals(follower.hasMore, true);
});
