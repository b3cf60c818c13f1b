/** Tests of test keys and signatures, against an implementation of BIP-340 that shares no code with them. */
import { assert, assertEquals, assertFalse, assertMatch, assertNotEquals } from "@std/assert";
import { verifyEvent } from "nostr-tools/pure";
import { Prng } from "./prng.ts";
import { signEvent, signId, testKey } from "./sign.ts";

Deno.test("signEvent() makes events that nostr-tools verifies, for keys and nonces of both parities", () => {
  const prng = new Prng(20);
  for (let n = 0; n < 40; n++) {
    const event = signEvent(testKey(n % 8), {
      kind: prng.int(0, 65_535),
      content: `"quoted" \\ \n\t\b\f \u0001 é 漢 😀 ${prng.hex(8)}`,
      tags: [["e", prng.hex(32)], ["t", "\u2028"], []],
      created_at: prng.int(0, 2 ** 40),
    });
    assert(verifyEvent(event), `event ${n} is not valid: ${JSON.stringify(event)}`);
  }
});

Deno.test("signEvent() gives the same event for the same template, and now as its time by default", () => {
  const template = { kind: 7, content: "+", tags: [["p", "x"]], created_at: 1_700_000_000 };
  assertEquals(signEvent(testKey(1), template), signEvent(testKey(1), template));
  const ageSeconds = Date.now() / 1000 - signEvent(testKey(1)).created_at;
  assert(ageSeconds >= 0 && ageSeconds < 60);
});

Deno.test("testKey() is the same key for the same number and another for another", () => {
  assertEquals(testKey(3).pubkey, testKey(3).pubkey);
  assertNotEquals(testKey(3).pubkey, testKey(4).pubkey);
  assertMatch(testKey(3).pubkey, /^[0-9a-f]{64}$/);
});

Deno.test("signId() signs one id and no other", () => {
  const event = signEvent(testKey(5), { content: "a" });
  const other = signEvent(testKey(5), { content: "b" });
  assertEquals(signId(testKey(5), event.id), event.sig);
  // A copy, because nostr-tools remembers a verdict on the object itself.
  assertFalse(verifyEvent({ ...event, sig: other.sig }));
});
