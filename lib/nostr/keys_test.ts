/**
 * Tests of the index keys. Runs on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { addressKey, idKey, pubkeyKey, tagKey } from "./keys.ts";

const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];

Deno.test("a letter and the first character of a value do not cancel out", () => {
  assertNotEquals(tagKey("t", "a"), tagKey("T", "A"));
  const keys = new Set<number>();
  let count = 0;
  for (const rest of ["", "lice", "é"]) {
    for (const letter of LETTERS) {
      for (let code = 32; code < 127; code++) {
        keys.add(tagKey(letter, String.fromCharCode(code) + rest));
        count++;
      }
    }
  }
  assertEquals(keys.size, count);
});

Deno.test("a kind and the first digit of an author do not cancel out", () => {
  const keys = new Set<number>();
  let count = 0;
  for (let kind = 30_000; kind < 30_064; kind++) {
    for (const digit of "0123456789abcdef") {
      for (const d of ["", "a", "b"]) {
        keys.add(addressKey(kind, digit + "0".repeat(63), d));
        count++;
      }
    }
  }
  assertEquals(keys.size, count);
});

Deno.test("keys are integers of 52 bits, and the same whether a text is ASCII or goes by its bytes", () => {
  const hex = "f".repeat(64);
  for (
    const key of [
      idKey(hex),
      pubkeyKey(hex),
      tagKey("t", ""),
      tagKey("t", "é".repeat(5_000)),
      addressKey(0, hex, ""),
    ]
  ) {
    assert(Number.isSafeInteger(key) && key >= 0 && key < 2 ** 52);
  }
  assertNotEquals(tagKey("t", "é"), tagKey("t", "e"));
});
