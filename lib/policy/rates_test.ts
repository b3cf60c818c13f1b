/**
 * Tests of token buckets and the policies on them. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { key, plainEvent, sender } from "../../tests/support/plain_event.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { InvariantError } from "../invariant.ts";
import { parseFilter } from "../nostr/filter.ts";
import { authorRate } from "./author_rate.ts";
import { ClientRates } from "./client_rates.ts";
import { eventRate } from "./event_rate.ts";
import { queryRate } from "./query_rate.ts";
import { TokenBuckets } from "./token_buckets.ts";

Deno.test("a bucket gives its burst at once and then what it gains", () => {
  const buckets = new TokenBuckets({ perSecond: 2, burst: 3 });
  for (let n = 0; n < 3; n++) {
    assertEquals(buckets.waitMs("a", 1, 0), 0);
    buckets.spend("a", 1, 0);
  }
  assertEquals(buckets.waitMs("a", 1, 0), 500);
  assertEquals(buckets.waitMs("a", 2, 0), 1_000);
  assertEquals(buckets.waitMs("b", 1, 0), 0);
  assertEquals(buckets.waitMs("a", 1, 499), 1);
  assertEquals(buckets.waitMs("a", 1, 500), 0);
  assertEquals(buckets.waitMs("a", 3, 1_500), 0);
  assertEquals(buckets.waitMs("a", 3, 1_499), 1);
});

Deno.test("a debt is gained before anything else is given, and a cost above the burst needs a full bucket", () => {
  const buckets = new TokenBuckets({ perSecond: 1, burst: 2 });
  assertEquals(buckets.waitMs("a", 100, 0), 0);
  buckets.spend("a", 100, 0);
  assertEquals(buckets.waitMs("a", 1, 0), 99_000);
  assertEquals(buckets.waitMs("a", 100, 0), 100_000);
  assertEquals(buckets.waitMs("a", 1, 99_000), 0);
});

Deno.test("a clock that goes back gives nothing away", () => {
  const buckets = new TokenBuckets({ perSecond: 1, burst: 1 });
  buckets.spend("a", 1, 10_000);
  assertEquals(buckets.waitMs("a", 1, 5_000), 6_000);
});

Deno.test("full buckets are forgotten, then those that came first, and the memory stays bounded", () => {
  const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, 8);
  buckets.spend("first", 1, 0);
  for (let n = 0; n < 7; n++) buckets.spend(`k${n}`, 1, 500);
  buckets.spend("first", 1, 500);
  for (let n = 7; n < 100; n++) {
    buckets.spend(`k${n}`, 1, 600);
    assert(buckets.size <= 8);
  }
  assertEquals(buckets.waitMs("k99", 1, 600), 1_000);
  assertEquals(buckets.waitMs("k0", 1, 600), 0);
  buckets.spend("later", 1, 1_000_000);
  for (let n = 0; n < 8; n++) buckets.spend(`l${n}`, 1, 1_000_000);
  assert(buckets.waitMs("l7", 1, 1_000_000) > 0);
  assertThrows(() => new TokenBuckets({ perSecond: 0, burst: 1 }), InvariantError);
});

Deno.test("fuzz: a bucket gives what a plain count of tokens gives", () => {
  const prng = seededPrng("token buckets against a plain count");
  let [given, refused] = [0, 0];
  for (let round = 0; round < 50; round++) {
    const rate = { perSecond: prng.int(1, 50), burst: prng.int(1, 20) };
    const buckets = new TokenBuckets(rate);
    let [now, tokens] = [0, rate.burst];
    for (let n = 0; n < 400; n++) {
      const passed = prng.int(0, 1_500 / rate.perSecond);
      now += passed;
      tokens = Math.min(rate.burst, tokens + passed / 1000 * rate.perSecond);
      const cost = prng.int(1, rate.burst);
      // Where the two differ by rounding alone, either is right.
      if (Math.abs(tokens - cost) < 1e-6) continue;
      assertEquals(
        buckets.waitMs("k", cost, now) === 0,
        tokens > cost,
        JSON.stringify({ rate, now, tokens, cost }),
      );
      if (tokens < cost && prng.chance(0.9)) {
        refused++;
        continue;
      }
      buckets.spend("k", cost, now);
      tokens -= cost;
      given++;
    }
  }
  assert(given > 0 && refused > 0);
});

Deno.test("events are counted by connection, address and proved key, and the refusal names which", () => {
  let now = 0;
  const rate = (burst: number) => ({ perSecond: 1, burst });
  const policy = eventRate({
    rates: new ClientRates({
      perConnection: rate(2),
      perAddress: rate(3),
      perKey: rate(4),
      nowMs: () => now,
    }),
  });
  const send = (connection: number, ip: string, ...keys: string[]) =>
    policy(null, sender(keys, { connection, ip }));
  assertEquals(send(1, "192.0.2.1"), null);
  assertEquals(send(1, "192.0.2.1"), null);
  assertEquals(send(1, "192.0.2.1"), "rate-limited: too many events by your connection, try again in 1 s");
  assertEquals(send(2, "192.0.2.1"), null);
  assertEquals(send(3, "192.0.2.1"), "rate-limited: too many events by your address, try again in 1 s");
  for (let n = 0; n < 4; n++) assertEquals(send(10 + n, `192.0.2.${10 + n}`, key("a"), key("b")), null);
  assertEquals(
    send(20, "192.0.2.20", key("a")),
    "rate-limited: too many events by your key, try again in 1 s",
  );
  assertEquals(send(21, "192.0.2.21", key("b")), null);
  now = 1_000;
  assertEquals(send(1, "192.0.2.1"), null);
});

Deno.test("addresses of one IPv6 network share a rate, and so do the two spellings of an IPv4 address", () => {
  const rates = () =>
    new ClientRates({
      perConnection: null,
      perAddress: { perSecond: 1, burst: 1 },
      perKey: null,
      nowMs: () => 0,
    });
  const both = (first: string, second: string) => {
    const policy = eventRate({ rates: rates() });
    policy(null, sender([], { ip: first }));
    return policy(null, sender([], { ip: second })) === null;
  };
  assert(!both("2001:db8:1:2::1", "2001:db8:1:2:ffff::"));
  assert(both("2001:db8:1:2::1", "2001:db8:1:3::1"));
  assert(!both("192.0.2.1", "::ffff:192.0.2.1"));
  assert(both("192.0.2.1", "192.0.2.2"));
});

Deno.test("what comes off no socket and proved no key has no rate", () => {
  const rate = { perSecond: 1, burst: 1 };
  const rates = new ClientRates({ perConnection: rate, perAddress: rate, perKey: rate, nowMs: () => 0 });
  const policy = eventRate({ rates });
  for (let n = 0; n < 5; n++) assertEquals(policy(null, sender([], { connection: null, ip: null })), null);
});

Deno.test("an author's events are counted whoever sends them", () => {
  const policy = authorRate({
    buckets: new TokenBuckets({ perSecond: 0.5, burst: 1 }),
    exempt: new Set([key("b")]),
    nowMs: () => 0,
  });
  assertEquals(policy(plainEvent(), sender([], { connection: 1 })), null);
  assertEquals(
    policy(plainEvent(), sender([], { connection: 2 })),
    "rate-limited: too many events of this author, try again in 2 s",
  );
  assertEquals(policy(plainEvent({ pubkey: key("c") }), sender()), null);
  for (let n = 0; n < 3; n++) assertEquals(policy(plainEvent({ pubkey: key("b") }), sender()), null);
});

Deno.test("a dear query is paid after it ran, before the next one is served", () => {
  let now = 0;
  const rates = new ClientRates({
    perConnection: { perSecond: 1_000, burst: 5_000 },
    perAddress: null,
    perKey: null,
    nowMs: () => now,
  });
  const policy = queryRate({ rates, requestCost: 10 });
  const filters = [parseFilter({}, { limitMax: 1, limitDefault: 1 })];
  assertEquals(policy(filters, sender()), null);
  rates.spend(sender(), 20_000);
  const refusal = policy(filters, sender());
  assert(
    refusal?.startsWith("rate-limited: too many or too dear queries by your connection, try again in "),
    refusal!,
  );
  now = 15_030;
  assertEquals(policy(filters, sender()), null);
  assert(policy([...filters, ...filters], sender())?.startsWith("rate-limited: "));
});
