/** Tests of the bench's flags. Runs on a test's thread. */
import { assertEquals, assertThrows } from "@std/assert";
import { Flags } from "./flags.ts";

Deno.test("a flag takes the next word, a switch none, and a number may have underscores", () => {
  const flags = new Flags(["--events", "10_000", "--one-at-a-time", "--peers", "a,b"]);
  assertEquals(flags.number("events", 1), 10_000);
  assertEquals(flags.switch("one-at-a-time"), true);
  assertEquals(flags.list("peers", []), ["a", "b"]);
  assertEquals(flags.text("data", "here"), "here");
  flags.finish();
});

Deno.test("a flag that nobody asks for, a bare word and a wrong number are refused", () => {
  assertThrows(() => new Flags(["--evnets", "1"]).finish(), Error, "no such flag");
  assertThrows(() => new Flags(["events"]), Error, "flags start with --");
  assertThrows(() => new Flags(["--events", "many"]).number("events", 1), Error, "not a number");
});
