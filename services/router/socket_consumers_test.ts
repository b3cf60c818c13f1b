/** Tests of who may read by `/ws`, with sockets that a test opens. */
import { assertEquals } from "@std/assert";
import { eventually } from "../../tests/support/eventually.ts";
import type { Proof } from "../../wire/pages.ts";
import type { SocketOrder } from "../../wire/piped_sockets.ts";
import { FedStore } from "./feed_test_fixture.ts";
import { SocketConsumers } from "./socket_consumers.ts";

Deno.test("where reading is restricted, a consumer reads as long as its key manages the relay", async () => {
  using store = new FedStore();
  const feed = store.feed();
  const [admin, gone] = ["a".repeat(64), "b".repeat(64)];
  const admins = new Set([admin, gone]);
  const closed: number[] = [];
  const port = {
    postMessage: (order: SocketOrder) => order.type === "close" && closed.push(order.number),
  } as unknown as MessagePort;
  const consumers = new SocketConsumers({
    feed,
    isRestricted: () => true,
    isAdmin: (pubkey) => admins.has(pubkey),
    delivered: () => {},
  });
  const proofs: Proof[] = [
    { key: null, isAdmin: true },
    { key: admin, isAdmin: true },
    { key: gone, isAdmin: true },
    { key: "c".repeat(64), isAdmin: false },
    { key: null, isAdmin: false },
  ];
  for (const [number, proof] of proofs.entries()) {
    const asked = { number, path: "/ws", query: "", address: "192.0.2.1", host: "", proof };
    consumers.sockets.receive(port, { type: "opened", ...asked });
  }
  assertEquals([closed, consumers.size], [[3, 4], 3]);
  consumers.followSettings();
  assertEquals(closed, [3, 4]);
  admins.delete(gone);
  consumers.followSettings();
  assertEquals(closed, [3, 4, 2]);
  consumers.close();
  feed.close();
  await eventually(() => consumers.size === 0);
});
