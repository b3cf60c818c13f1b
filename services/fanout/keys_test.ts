/** Tests of the keys that seal secrets: the relay's own, or a file that only its owner may read. */
import { assertEquals, assertRejects } from "@std/assert";
import { sealingKeys } from "./keys.ts";

const SECRET = "0".repeat(63) + "1";

async function inDirectory(test: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  await test(`${directory}/fanout.key`);
  await Deno.remove(directory, { recursive: true });
}

Deno.test("without a relay's key a file is made once, for its owner only", () =>
  inDirectory(async (path) => {
    const made = await sealingKeys(null, path);
    assertEquals([made.length, made[0]!.length], [1, 32]);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    assertEquals(await sealingKeys(null, path), made);
  }));

Deno.test("the relay's key comes first, and what the file has sealed before still opens", () =>
  inDirectory(async (path) => {
    assertEquals(await sealingKeys(SECRET, path), [Uint8Array.fromHex(SECRET)]);
    const [file] = await sealingKeys(null, path);
    assertEquals(await sealingKeys(SECRET, path), [Uint8Array.fromHex(SECRET), file!]);
  }));

Deno.test("a file that is no key is not replaced", () =>
  inDirectory(async (path) => {
    await Deno.writeTextFile(path, "hello");
    await assertRejects(() => sealingKeys(null, path), Error, "it is not 32 bytes in hex");
  }));
