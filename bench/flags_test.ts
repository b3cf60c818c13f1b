/** Tests of the bench's flags. Runs on a test's thread. */
import { assertEquals, assertThrows } from "@std/assert";
import { readFlags } from "./flags.ts";

const DEFAULTS = { events: 1, "one-at-a-time": false, peers: ["c"], data: "here" } as const;

Deno.test("a flag takes the next word, a switch none, and a number may have underscores", () => {
  const flags = readFlags(["--events", "10_000", "--one-at-a-time", "--peers", "a,b"], DEFAULTS);
  assertEquals(flags, { events: 10_000, "one-at-a-time": true, peers: ["a", "b"], data: "here" });
  assertEquals(readFlags([], DEFAULTS), { events: 1, "one-at-a-time": false, peers: ["c"], data: "here" });
});

Deno.test("a flag that nobody knows, a bare word and a wrong number are refused", () => {
  assertThrows(() => readFlags(["--evnets", "1"], DEFAULTS), TypeError, "Unknown option '--evnets'");
  assertThrows(() => readFlags(["events"], DEFAULTS), TypeError, "Unexpected argument 'events'");
  assertThrows(() => readFlags(["--events", "many"], DEFAULTS), TypeError, "not a number");
});
