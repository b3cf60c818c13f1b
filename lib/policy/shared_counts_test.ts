/** Tests of counts that threads share: exact, also at one instant, and given back for a thread that died. */
import { assert, assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { AT_BOUND, createSharedCountMemory, SharedCounts } from "./shared_counts.ts";

const SEEDS = Uint32Array.of(3, 5);

Deno.test("what one thread counts, every other one counts against, each name apart", () => {
  const memory = createSharedCountMemory(SEEDS, 2);
  const [a, b] = [new SharedCounts(memory, 0), new SharedCounts(memory, 1)];
  const places = [
    a.acquire("x", "192.0.2.1", 3),
    b.acquire("x", "192.0.2.1", 3),
    a.acquire("x", "192.0.2.1", 3),
  ];
  assert(places.every((place) => place >= 0));
  assertEquals([a.acquire("x", "192.0.2.1", 3), b.acquire("x", "192.0.2.1", 3)], [AT_BOUND, AT_BOUND]);
  assert(b.acquire("x", "192.0.2.2", 3) >= 0);
  assert(b.acquire("y", "192.0.2.1", 3) >= 0);
  a.release(places[0]!);
  assert(b.acquire("x", "192.0.2.1", 3) >= 0);
  assertEquals(a.acquire("x", "192.0.2.1", 3), AT_BOUND);
});

Deno.test("what a thread had counted that died is given back, and what others counted stays", () => {
  const memory = createSharedCountMemory(SEEDS, 2);
  const [a, b] = [new SharedCounts(memory, 0), new SharedCounts(memory, 1)];
  for (let n = 0; n < 5; n++) a.acquire("x", "k", 100);
  for (let n = 0; n < 2; n++) b.acquire("x", "k", 100);
  const successor = new SharedCounts(memory, 0);
  let taken = 0;
  while (successor.acquire("x", "k", 100) >= 0) taken++;
  assertEquals(taken, 98);
});

Deno.test("fuzz: counts are those of a map, whatever comes and goes", () => {
  const prng = seededPrng("shared counts against a map");
  const memory = createSharedCountMemory(SEEDS, 3);
  const threads = [0, 1, 2].map((thread) => new SharedCounts(memory, thread));
  const model = new Map<string, number>();
  const open: { key: string; place: number; thread: number }[] = [];
  for (let n = 0; n < 20_000; n++) {
    if (open.length > 0 && prng.int(0, 2) === 0) {
      const [{ key, place, thread }] = open.splice(prng.int(0, open.length - 1), 1) as [typeof open[number]];
      threads[thread]!.release(place);
      model.set(key, model.get(key)! - 1);
      continue;
    }
    const [key, thread, most] = [`k${prng.int(0, 400)}`, prng.int(0, 2), prng.int(1, 9)];
    const count = model.get(key) ?? 0;
    const place = threads[thread]!.acquire("x", key, most);
    assertEquals(place >= 0, count < most);
    if (place < 0) continue;
    model.set(key, count + 1);
    open.push({ key, place, thread });
  }
});

Deno.test("threads that count at once never exceed the bound, and reach it", async () => {
  const memory = createSharedCountMemory(crypto.getRandomValues(new Uint32Array(2)), 2);
  const source = `import { SharedCounts } from ${
    JSON.stringify(new URL("./shared_counts.ts", import.meta.url).href)
  };
    self.onmessage = ({ data: [memory, thread] }) => {
      const counts = new SharedCounts(memory, thread);
      let taken = 0;
      for (let n = 0; n < 3000; n++) {
        // Keys that come and go beside the one that stays.
        counts.release(counts.acquire("x", "k" + n % 3, 1));
        if (counts.acquire("x", "kept", 1000) >= 0) taken++;
      }
      self.postMessage(taken);
    };`;
  const url = URL.createObjectURL(new Blob([source], { type: "application/typescript" }));
  const taken = await Promise.all([0, 1].map((thread) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const worker = new Worker(url, { type: "module" });
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data);
    };
    worker.postMessage([memory, thread]);
    return promise;
  }));
  URL.revokeObjectURL(url);
  assertEquals(taken[0]! + taken[1]!, 1_000);
});
