/** Tests of sealed secrets: what one row holds opens in that row only, by a key that is there. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { randomBytes } from "node:crypto";
import { SecretSeal } from "./sealed_secret.ts";

const random = (count: number) => new Uint8Array(randomBytes(count));
const [A, B] = ["a".repeat(64), "b".repeat(64)];
const SECRET = random(32);
const [OLD, NEW] = [random(32), random(32)];

Deno.test("a sealed secret opens for its owner, and is never sealed alike", () => {
  const seal = new SecretSeal([OLD], random);
  const owner = { bot: A, follower: B };
  const sealed = seal.seal(SECRET, owner);
  assertEquals(seal.open(sealed, owner), SECRET);
  assertNotEquals(sealed, seal.seal(SECRET, owner));
  assertEquals(sealed.toHex().includes(SECRET.toHex()), false);
});

Deno.test("a sealed secret does not open in another row, or when any byte was changed", () => {
  const seal = new SecretSeal([OLD], random);
  const sealed = seal.seal(SECRET, { bot: A, follower: B });
  assertEquals(seal.open(sealed, { bot: B, follower: A }), null);
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice();
    changed[at]! ^= 1;
    assertEquals(seal.open(changed, { bot: A, follower: B }), null, `byte ${at}`);
  }
  assertEquals(seal.open(sealed.subarray(1), { bot: A, follower: B }), null);
});

Deno.test("what a former key has sealed opens while that key is there", () => {
  const owner = { bot: A, follower: B };
  const sealed = new SecretSeal([OLD], random).seal(SECRET, owner);
  assertEquals(new SecretSeal([NEW, OLD], random).open(sealed, owner), SECRET);
  assertEquals(new SecretSeal([NEW], random).open(sealed, owner), null);
});
