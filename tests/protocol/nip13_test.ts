/**
 * NIP-13 from outside: how much work an id needs, and that who aimed at less has not done it.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventId, signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { freshKey, nowSeconds, sharedRelay, store } from "./shared_relay.ts";

const BITS = 8;
const relay = await sharedRelay({ MIN_POW_DIFFICULTY: String(BITS) });

/** An event whose id has exactly so many leading zero bits; `target`: what its nonce tag says that it aimed at. */
function mined(key: TestKey, bits: number, target: string | null): TestEvent {
  const created_at = nowSeconds();
  for (let nonce = 0;; nonce++) {
    const tags = [["nonce", String(nonce), ...(target === null ? [] : [target])]];
    const id = eventId({ pubkey: key.pubkey, created_at, kind: 1, tags, content: "" });
    if (256 - BigInt(`0x${id}`).toString(2).length === bits) return signEvent(key, { created_at, tags });
  }
}

Deno.test("an id with enough leading zero bits is taken, and one with fewer is not", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  await store(client, mined(key, BITS, String(BITS)), mined(key, BITS + 2, null), mined(key, BITS + 1, "20"));
  for (const bits of [0, 1, BITS - 1]) {
    const event = mined(key, bits, String(BITS));
    const ok = await client.publish(event);
    assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
    assertMatch(ok[3], /^pow: \S/);
  }
});

Deno.test("a commitment to less than is required is not enough, whatever the id", async () => {
  await using client = await connect(relay.url);
  const event = mined(freshKey(), BITS + 1, String(BITS - 1));
  const ok = await client.publish(event);
  assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
  assertMatch(ok[3], /^pow: .*aimed/);
});

Deno.test("NIP-11 says how much work is required", async () => {
  const response = await fetch(relay.httpUrl, { headers: { Accept: "application/nostr+json" } });
  const { limitation } = await response.json();
  assertEquals(limitation.min_pow_difficulty, BITS);
  assert(limitation.restricted_writes);
});
