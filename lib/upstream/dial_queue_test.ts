/**
 * Tests of the order and the bounds of calls. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { DialQueue, hostOf } from "./dial_queue.ts";

Deno.test("attempts are bounded, and a connection is no attempt any more", () => {
  const queue = new DialQueue({ attemptsMax: 2, perHostMax: 8 });
  for (const host of ["a", "b", "c"]) queue.add(`wss://${host}.example`);
  assertEquals([queue.next(), queue.next(), queue.next()], ["wss://a.example", "wss://b.example", null]);
  assertEquals([queue.attempts, queue.waiting], [2, 1]);
  assertEquals(queue.reasonFor("wss://c.example"), "2 others are being called");
  queue.opened("wss://a.example");
  queue.opened("wss://a.example");
  assertEquals(queue.next(), "wss://c.example");
});

Deno.test("a host with many relays delays no other, and has its own bound", () => {
  const queue = new DialQueue({ attemptsMax: 100, perHostMax: 2 });
  for (let n = 0; n < 50; n++) queue.add(`wss://many.example/${n}`);
  queue.add("wss://few.example");
  assertEquals(
    Array.from({ length: 4 }, () => queue.next()),
    ["wss://many.example/0", "wss://few.example", "wss://many.example/1", null],
  );
  queue.opened("wss://many.example/0");
  assertEquals(queue.next(), null);
  assertEquals(queue.reasonFor("wss://many.example/2"), "there are 2 connections to its host already");
  assertEquals(queue.reasonFor("wss://few.example"), null);
  queue.release("wss://many.example/0");
  assertEquals(queue.next(), "wss://many.example/2");
});

Deno.test("connections to one address are bounded, under however many names", () => {
  const queue = new DialQueue({ attemptsMax: 100, perHostMax: 2 });
  const urls = ["wss://a.example", "wss://b.example", "wss://c.example"];
  for (const url of urls) queue.add(url);
  for (let n = 0; n < 3; n++) queue.next();
  assertEquals(urls.map((url) => queue.reach(url, "192.0.2.1")), [true, true, false]);
  queue.release("wss://c.example");
  queue.release("wss://a.example");
  queue.add("wss://c.example");
  assertEquals([queue.next(), queue.reach("wss://c.example", "192.0.2.1")], ["wss://c.example", true]);
});

Deno.test("a relay that is held, or waits, is not added again; one that is released leaves nothing", () => {
  const queue = new DialQueue({ attemptsMax: 1, perHostMax: 1 });
  for (let n = 0; n < 2; n++) queue.add("wss://a.example");
  assertEquals(queue.waiting, 1);
  assertEquals(queue.next(), "wss://a.example");
  queue.add("wss://a.example");
  assertEquals(queue.waiting, 0);
  queue.release("wss://a.example");
  queue.release("wss://a.example");
  assertEquals([queue.attempts, queue.next()], [0, null]);
});

Deno.test("fuzz: bounds hold, and whoever waits is called at last", () => {
  const prng = seededPrng("dial queue");
  const limits = { attemptsMax: 5, perHostMax: 3 };
  const queue = new DialQueue(limits);
  const urls = Array.from({ length: 60 }, (_, n) => `wss://host${n % 7}.example/${n}`);
  const held = new Map<string, "attempt" | "open">();
  const called = new Set<string>();
  for (const url of urls) queue.add(url);
  for (let step = 0; step < 5_000; step++) {
    const url = prng.chance(0.5) ? queue.next() : null;
    if (url !== null) {
      assert(!held.has(url));
      held.set(url, "attempt");
      called.add(url);
    }
    const some = [...held.keys()];
    if (some.length > 0 && prng.chance(0.5)) {
      const one = prng.pick(some);
      if (prng.chance(0.5) && held.get(one) === "attempt") {
        queue.opened(one);
        held.set(one, "open");
      } else {
        queue.release(one);
        held.delete(one);
      }
    }
    const attempts = [...held.values()].filter((how) => how === "attempt").length;
    assertEquals(queue.attempts, attempts);
    assert(attempts <= limits.attemptsMax);
    const hosts = Map.groupBy(held.keys(), hostOf);
    for (const [host, of] of hosts) assert(of.length <= limits.perHostMax, host);
  }
  assertEquals(called.size, urls.length);
});
