/**
 * Tests of the conversation with a plugin, without one. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { PluginFault } from "./decision.ts";
import { PluginExchange, type PluginExchangeOptions } from "./exchange.ts";

function open(options: Partial<PluginExchangeOptions> = {}) {
  const exchange = new PluginExchange({ inFlightMax: 1, waitingMax: 10, timeoutMs: 100, ...options });
  const settled: string[] = [];
  const ask = (id: string, nowMs = 0) => {
    exchange.ask({ id, line: `{"id":"${id}"}` }, nowMs).then((decision) =>
      settled.push(`${id} ${decision.action === "reject" ? decision.message.split(":")[0] : decision.action}`)
    );
  };
  const accept = (id: string) => exchange.receive(`{"id":"${id}","action":"accept"}`);
  /** What was settled so far: promises settle in microtasks. */
  const seen = async () => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    return settled.splice(0);
  };
  return { exchange, ask, accept, seen };
}

Deno.test("one request at a time is with the plugin, in the order in which they were asked", async () => {
  const { exchange, ask, accept, seen } = open();
  for (const id of ["a", "b", "c"]) ask(id);
  assertEquals(exchange.next(0), '{"id":"a"}\n');
  assertEquals(exchange.next(0), null);
  assertEquals(await seen(), []);
  assert(accept("a"));
  assertEquals(await seen(), ["a accept"]);
  assertEquals(exchange.next(0), '{"id":"b"}\n');
  assertEquals(exchange.inFlight, 1);
  accept("b");
  exchange.next(0);
  accept("c");
  assertEquals(await seen(), ["b accept", "c accept"]);
  assertEquals(exchange.next(0), null);
  assertEquals(exchange.deadlineMs, null);
});

Deno.test("with more at a time, answers may come in any order, and equal ids are answered in theirs", async () => {
  const { exchange, ask, accept, seen } = open({ inFlightMax: 3 });
  for (const id of ["a", "b", "a", "d"]) ask(id);
  while (exchange.next(0) !== null);
  assertEquals(exchange.inFlight, 3);
  accept("b");
  exchange.receive('{"id":"a","action":"shadowReject"}');
  accept("a");
  assertEquals(await seen(), ["b accept", "a shadowReject", "a accept"]);
});

Deno.test("an answer to what was not asked is a fault, asked before or not", () => {
  const { exchange, ask, accept } = open();
  assertThrows(() => accept("a"), PluginFault, 'it answered for the id "a", which was not asked');
  ask("a");
  ask("b");
  exchange.next(0);
  assertThrows(() => accept("b"), PluginFault);
  accept("a");
  assertThrows(() => accept("a"), PluginFault);
});

Deno.test("a line that is not JSON changes nothing", async () => {
  const { exchange, ask, accept, seen } = open();
  ask("a");
  exchange.next(0);
  assertEquals(exchange.receive("hello"), false);
  assertEquals(await seen(), []);
  accept("a");
  assertEquals(await seen(), ["a accept"]);
});

Deno.test("a dead plugin fails what it had, and what waits goes to its successor", async () => {
  const { exchange, ask, accept, seen } = open({ inFlightMax: 2 });
  for (const id of ["a", "b", "c"]) ask(id);
  while (exchange.next(0) !== null);
  exchange.failInFlight();
  assertEquals(await seen(), ["a error", "b error"]);
  assertEquals(exchange.next(0), '{"id":"c"}\n');
  accept("c");
  assertEquals(await seen(), ["c accept"]);
  ask("d");
  exchange.failAll();
  assertEquals(await seen(), ["d error"]);
});

Deno.test("the plugin has its whole time from when it is asked, and is overdue after it", () => {
  const { exchange, ask } = open();
  ask("a", 0);
  assertEquals(exchange.deadlineMs, 100);
  exchange.next(60);
  assertEquals(exchange.deadlineMs, 160);
  assertEquals(exchange.expire(159), false);
  assertEquals(exchange.expire(160), true);
});

Deno.test("what waits too long for its turn is refused as rate-limited, and the plugin goes on", async () => {
  const { exchange, ask, seen } = open();
  ask("a", 0);
  exchange.next(90);
  ask("b", 10);
  ask("c", 50);
  assertEquals(exchange.deadlineMs, 110);
  assertEquals(exchange.expire(120), false);
  assertEquals(await seen(), ["b rate-limited"]);
  assertEquals(exchange.expire(151), false);
  assertEquals(await seen(), ["c rate-limited"]);
  assertEquals(exchange.inFlight, 1);
});

Deno.test("with too many waiting, the next is refused at once", async () => {
  const { ask, seen } = open({ waitingMax: 2 });
  for (const id of ["a", "b", "c"]) ask(id);
  assertEquals(await seen(), ["c rate-limited"]);
});

Deno.test("fuzz: every request is settled exactly once, whatever happens to the plugin", async () => {
  const prng = seededPrng("conversation with a plugin");
  for (let round = 0; round < 40; round++) {
    const { exchange, ask, seen } = open({ inFlightMax: prng.int(1, 4), waitingMax: 6, timeoutMs: 20 });
    let now = 0;
    let asked = 0;
    let settled = 0;
    const held: string[] = [];
    for (let step = 0; step < 200; step++) {
      now += prng.int(0, 5);
      if (prng.chance(0.4)) ask(`${asked++}`, now);
      const line = exchange.next(now);
      if (line !== null) held.push(JSON.parse(line).id);
      if (held.length > 0 && prng.chance(0.3)) {
        const [id] = held.splice(prng.int(0, held.length - 1), 1);
        exchange.receive(`{"id":"${id}","action":"accept"}`);
      }
      if (exchange.expire(now) || prng.chance(0.03)) {
        exchange.failInFlight();
        held.length = 0;
      }
      assertEquals(exchange.inFlight, held.length);
      if (step % 20 === 0) settled += (await seen()).length;
    }
    exchange.failAll();
    settled += (await seen()).length;
    assertEquals(settled, asked);
  }
});
