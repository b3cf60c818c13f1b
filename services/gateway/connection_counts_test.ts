/** Tests of connections counted for the relay and for each client's address. */
import { assert, assertEquals } from "@std/assert";
import { createSharedCountMemory, SharedCounts } from "../../lib/policy/shared_counts.ts";
import { ConnectionCounts } from "./connection_counts.ts";

function countsOf(threads: number): ConnectionCounts[] {
  const memory = createSharedCountMemory(Uint32Array.of(3, 5), threads);
  return Array.from({ length: threads }, (_, n) => new ConnectionCounts(new SharedCounts(memory, n)));
}

Deno.test("an IPv6 client counts by its /64, whichever gateway it meets", () => {
  const [a, b] = countsOf(2) as [ConnectionCounts, ConnectionCounts];
  const limits = { CONNECTIONS_MAX: 10, CONNECTIONS_PER_IP_MAX: 2 };
  const first = a.acquire("2001:db8::1", limits);
  assert(first !== null && b.acquire("2001:db8::ffff:2", limits) !== null);
  assertEquals(a.acquire("2001:db8:0:0:9::3", limits), null);
  assert(a.acquire("2001:db8:0:1::1", limits) !== null, "another /64");
  a.release(first);
  assert(b.acquire("2001:db8::4", limits) !== null);
});

Deno.test("a connection that one bound refuses is counted by neither", () => {
  const [counts] = countsOf(1) as [ConnectionCounts];
  const limits = { CONNECTIONS_MAX: 2, CONNECTIONS_PER_IP_MAX: 1 };
  assert(counts.acquire("192.0.2.1", limits) !== null);
  for (let n = 0; n < 5; n++) assertEquals(counts.acquire("192.0.2.1", limits), null);
  assert(counts.acquire("192.0.2.2", limits) !== null);
  assertEquals(counts.acquire("192.0.2.3", limits), null);
});
