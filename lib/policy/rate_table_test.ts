/**
 * Tests of the rates that threads share. Run on the main thread, one with workers.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { RATE_SLOTS } from "../limits.ts";
import { createRateMemory, RateTable } from "./rate_table.ts";
import { TokenBuckets } from "./token_buckets.ts";

const NOW = 1_800_000_000_000;

function table(): RateTable {
  return new RateTable(createRateMemory(Uint32Array.of(7, 11)));
}

Deno.test("what one thread spends, every other finds spent, each name apart", () => {
  const memory = createRateMemory(Uint32Array.of(1, 2));
  const rate = { perSecond: 1, burst: 2 };
  const [a, b] = [new RateTable(memory), new RateTable(memory)].map((table) =>
    table.buckets("events", rate)
  ) as [
    ReturnType<RateTable["buckets"]>,
    ReturnType<RateTable["buckets"]>,
  ];
  a.spend("192.0.2.1", 1, NOW);
  b.spend("192.0.2.1", 1, NOW);
  for (const buckets of [a, b]) assertEquals(buckets.waitMs("192.0.2.1", 1, NOW), 1_000);
  assertEquals(b.waitMs("192.0.2.2", 1, NOW), 0);
  assertEquals(new RateTable(memory).buckets("queries", rate).waitMs("192.0.2.1", 2, NOW), 0);
  assertEquals(a.waitMs("192.0.2.1", 1, NOW + 1_000), 0);
});

Deno.test("fuzz: shared buckets give what a thread's own give", () => {
  const prng = seededPrng("rate table against token buckets");
  for (let round = 0; round < 20; round++) {
    const rate = { perSecond: prng.int(1, 1_000), burst: prng.int(1, 50) };
    const [shared, own] = [table().buckets("x", rate), new TokenBuckets(rate)];
    let now = NOW;
    for (let n = 0; n < 500; n++) {
      now += prng.int(0, 400);
      const key = `k${prng.int(0, 30)}`;
      const cost = prng.int(1, 60);
      // Micro- against milliseconds: rounding may differ by one.
      assert(Math.abs(shared.waitMs(key, cost, now) - own.waitMs(key, cost, now)) <= 1);
      shared.spend(key, cost, now);
      own.spend(key, cost, now);
    }
  }
});

Deno.test("keys spread, full buckets make room, and a flood of keys forgets the fullest first", () => {
  const rate = { perSecond: 1, burst: 1 };
  const buckets = table().buckets("events by address", rate);
  const many = Math.floor(RATE_SLOTS / 4);
  for (let n = 0; n < many; n++) buckets.spend(`10.0.${n >> 8}.${n & 255}`, 1, NOW);
  let lost = 0;
  for (let n = 0; n < many; n++) if (buckets.waitMs(`10.0.${n >> 8}.${n & 255}`, 1, NOW) === 0) lost++;
  assert(lost < many / 1_000, `${lost} of ${many} lost`);
  buckets.spend("debtor", 1_000, NOW);
  for (let n = 0; n < 2 * RATE_SLOTS; n++) buckets.spend(`flood ${n}`, 1, NOW + 1_500);
  assert(buckets.waitMs("debtor", 1, NOW + 1_500) > 900_000, "who owes much is remembered");
});

Deno.test("threads that spend at once lose nothing of one key", async () => {
  const memory = createRateMemory(crypto.getRandomValues(new Uint32Array(2)));
  const rate = { perSecond: 1_000, burst: 1 };
  new RateTable(memory).buckets("x", rate).spend("k", 1, NOW);
  const source = `import { RateTable } from ${
    JSON.stringify(new URL("./rate_table.ts", import.meta.url).href)
  };
    self.onmessage = ({ data }) => {
      const buckets = new RateTable(data).buckets("x", { perSecond: 1000, burst: 1 });
      for (let n = 0; n < 20000; n++) buckets.spend("k", 1, ${NOW});
      self.postMessage("done");
    };`;
  const url = URL.createObjectURL(new Blob([source], { type: "application/typescript" }));
  await Promise.all(Array.from({ length: 2 }, () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const worker = new Worker(url, { type: "module" });
    worker.onmessage = () => {
      worker.terminate();
      resolve();
    };
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(memory);
    return promise;
  }));
  URL.revokeObjectURL(url);
  assertEquals(new RateTable(memory).buckets("x", rate).waitMs("k", 1, NOW), 40_001);
});
