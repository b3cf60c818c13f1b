/** Tests of the room for filters: what one may have, and what is left for others. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { HELD_VALUE_BYTES, HELD_VALUES_MAX, HELD_VALUES_TOTAL_BYTES_MAX } from "../../lib/limits.ts";
import { createMetricsMemory, sumOf, ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { FILTER_VALUES, FilterRoom } from "./filter_room.ts";

/** Gateways of one relay. */
function rooms(count: number) {
  const memory = createMetricsMemory(count);
  const ofRelay = () => sumOf(memory, FILTER_VALUES);
  const each = Array.from({ length: count }, (_, n) => new FilterRoom(new ThreadMetrics(memory, n), ofRelay));
  return { each, ofRelay };
}

Deno.test("a connection has its share, and gets it again when it gives it back", () => {
  const { each: [room], ofRelay } = rooms(1);
  const holder = { heldValues: 0 };
  assertEquals(room!.acquire(holder, HELD_VALUES_MAX), null);
  assertMatch(room!.acquire(holder, 1)!, /^rate-limited: the filters of this connection/);
  room!.release(holder, 10);
  assertEquals(room!.acquire(holder, 10), null);
  assertEquals([holder.heldValues, ofRelay()], [HELD_VALUES_MAX, HELD_VALUES_MAX]);
});

Deno.test("connections of all gateways that take what they can leave room for those that take little", () => {
  const { each, ofRelay } = rooms(3);
  const total = HELD_VALUES_TOTAL_BYTES_MAX / HELD_VALUE_BYTES;
  const takeAll = (gateways: readonly FilterRoom[], values: number) => {
    const holders = Array.from({ length: 600 }, () => ({ heldValues: 0 }));
    for (const [n, holder] of holders.entries()) while (gateways[n % 3]!.acquire(holder, values) === null);
    return holders;
  };
  const greedy = takeAll(each, 5_000);
  assert(ofRelay() <= total * 0.75 && ofRelay() > total * 0.75 - 5_000);
  assertEquals(greedy.at(-1)!.heldValues, 0);
  assertMatch(each[0]!.acquire(greedy.at(-1)!, 5_000)!, /^rate-limited: the relay has no room/);
  const modest = Array.from({ length: 300 }, () => ({ heldValues: 0 }));
  for (const [n, holder] of modest.entries()) assertEquals(each[n % 3]!.acquire(holder, 1_500), null);
  takeAll(each, 500);
  assert(ofRelay() <= total && ofRelay() > total - 500);
});
