/** Tests of the sum that waits for all clients of the relay. */
import { assert, assertEquals } from "@std/assert";
import { OUTBOUND_FLOOR_BYTES, OUTBOUND_TOTAL_BYTES_MAX } from "../../lib/limits.ts";
import { OutboundPool } from "./outbound_pool.ts";

const MIB = 1024 * 1024;

function pools(gateways: number): OutboundPool[] {
  const memory = new SharedArrayBuffer(8 * gateways);
  return Array.from({ length: gateways }, (_, gateway) => new OutboundPool(memory, gateway));
}

function client(pool: OutboundPool, socket: { bytes: number }) {
  const self = {
    measureBufferedBytes(): number {
      pool.account(self, socket.bytes);
      return socket.bytes;
    },
  };
  return self;
}

Deno.test("a thousand clients that read nothing get a share each, and the sum is never exceeded", () => {
  const [pool] = pools(1) as [OutboundPool];
  pool.use(32 * MIB);
  const sockets = Array.from({ length: 1_000 }, () => ({ bytes: 0 }));
  const clients = sockets.map((socket) => client(pool, socket));
  for (let round = 0; round < 2_000; round++) {
    for (const [n, socket] of sockets.entries()) {
      if (socket.bytes > Math.min(pool.left, 32 * MIB)) continue;
      socket.bytes += 16 * 1024;
      clients[n]!.measureBufferedBytes();
    }
  }
  const sum = sockets.reduce((bytes, socket) => bytes + socket.bytes, 0);
  assert(sum <= OUTBOUND_TOTAL_BYTES_MAX, `${sum} bytes wait`);
  assert(sum > OUTBOUND_TOTAL_BYTES_MAX / 2, `only ${sum} bytes wait`);
});

Deno.test("one slow client may have its whole budget, and gives its room back", () => {
  const [pool] = pools(4) as [OutboundPool];
  pool.use(1024 * MIB);
  assertEquals(pool.left, 2 * 1024 * MIB);
  const socket = { bytes: 2 * 1024 * MIB };
  client(pool, socket).measureBufferedBytes();
  assertEquals(pool.left, OUTBOUND_FLOOR_BYTES);
  socket.bytes = 0;
  pool.measure();
  assertEquals(pool.left, 2 * 1024 * MIB);
});

Deno.test("the sum is that of all gateways, without one that has died", () => {
  const memory = new SharedArrayBuffer(16);
  const [a, b] = [new OutboundPool(memory, 0), new OutboundPool(memory, 1)];
  for (const pool of [a, b]) pool.use(32 * MIB);
  client(a, { bytes: 500 * MIB }).measureBufferedBytes();
  assertEquals([a.left, b.left], [12 * MIB, 12 * MIB]);
  client(b, { bytes: 2 * MIB }).measureBufferedBytes();
  assertEquals([a.left, b.left], [10 * MIB, 10 * MIB]);
  assertEquals(new OutboundPool(memory, 1) && a.left, 12 * MIB);
});
