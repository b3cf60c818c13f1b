/**
 * Tests of a file that is read again when it changes. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { WatchedFile } from "./watched_file.ts";

Deno.test("a file is read at the first look, and again when it has changed and rests", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "one");
  const file = new WatchedFile(path, 10);
  assertEquals(await file.look(), { text: "one" });
  assertEquals(await file.look(), null);
  await Deno.writeTextFile(path, "two and");
  assertEquals(await file.look(), null, "it may be half-written");
  await Deno.writeTextFile(path, "two");
  assertEquals(await file.look(), null);
  assertEquals(await file.look(), { text: "two" });
  await Deno.writeTextFile(path, "longer than ten");
  await file.look();
  const look = await file.look();
  assert(look !== null && "fault" in look && look.fault.includes("more than 10 bytes"));
  await Deno.remove(path);
  await file.look();
  const gone = await file.look();
  assert(gone !== null && "fault" in gone);
});
