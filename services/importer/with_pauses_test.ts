/** Tests of pauses in a stream: a null where nothing comes for a while, and every piece in its order. */
import { assertEquals, assertRejects } from "@std/assert";
import { withPauses } from "./with_pauses.ts";

Deno.test("a silent stream yields one null after the pieces before, and all pieces in their order", async () => {
  const source = new TransformStream<string, string>();
  const writer = source.writable.getWriter();
  const seen = withPauses(source.readable, 1);
  const next = async () => (await seen.next()).value;
  writer.write("a");
  assertEquals(await next(), "a");
  assertEquals(await next(), null);
  const later = next();
  writer.write("b");
  assertEquals(await later, "b", "a pause is told once");
  assertEquals(await next(), null);
  writer.close();
  assertEquals((await seen.next()).done, true);
});

Deno.test("a stream that fails, fails", async () => {
  async function* failing() {
    yield "a";
    await Promise.resolve();
    throw new Error("broken");
  }
  await assertRejects(() => Array.fromAsync(withPauses(failing(), 1_000)), Error, "broken");
});
