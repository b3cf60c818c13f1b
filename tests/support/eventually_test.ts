/** Tests of `eventually()`: it waits for a condition, and no longer than its bound. */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { BoundExceededError, eventually } from "./eventually.ts";

Deno.test("eventually() resolves with the first truthy value", async () => {
  let looks = 0;
  const value = await eventually(() => {
    looks += 1;
    return looks >= 3 ? { looks } : undefined;
  });
  assertEquals(value, { looks: 3 });
});

Deno.test("eventually() outlasts a condition that throws at first", async () => {
  let looks = 0;
  const value = await eventually(() => {
    looks += 1;
    if (looks < 3) throw new Error("not yet");
    return Promise.resolve("there");
  });
  assertEquals(value, "there");
});

Deno.test("eventually() rejects at its bound, names the condition and keeps the last error", async () => {
  const never = eventually(() => Promise.reject(new TypeError("no answer")), 25, "relay answers");
  const error = await assertRejects(() => never, BoundExceededError, '"relay answers"');
  assertInstanceOf(error.cause, TypeError);
});
