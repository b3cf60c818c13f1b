/** Tests of the turns of negentropy sessions: one of a client gathers at a time, and nobody waits in silence. */
import { assertEquals } from "@std/assert";
import { NEGENTROPY_ANSWER_MS_MAX } from "../../lib/limits.ts";
import { isLate, SyncTurns } from "./sync_turns.ts";

function session(touchedMs = 0) {
  return { isGathering: true, touchedMs };
}

Deno.test("of a client one session gathers at a time, and those of other clients beside it", () => {
  const turns = new SyncTurns();
  const [first, second, other] = [session(), session(), session()];
  assertEquals([turns.mayWork("a", first), turns.mayWork("a", second)], [true, false]);
  assertEquals([turns.mayWork("b", other), turns.mayWork("a", first)], [true, true]);
  // Whoever needs no set answers, whoever gathers.
  assertEquals(turns.mayWork("a", { isGathering: false, touchedMs: 0 }), true);
});

Deno.test("a session that has its set, or is over, makes room for the next of its client", () => {
  const turns = new SyncTurns();
  const [first, second, third] = [session(), session(), session()];
  turns.mayWork("a", first);
  turns.endTurns(() => true);
  assertEquals(turns.mayWork("a", second), false);
  first.isGathering = false;
  turns.endTurns(() => true);
  assertEquals([turns.mayWork("a", second), turns.mayWork("a", third)], [true, false]);
  turns.endTurns((session) => session !== second);
  assertEquals(turns.mayWork("a", third), true);
});

Deno.test("a message is late when it has waited for longer than its bound", () => {
  assertEquals(isLate(session(1_000), 1_000 + NEGENTROPY_ANSWER_MS_MAX), false);
  assertEquals(isLate(session(1_000), 1_001 + NEGENTROPY_ANSWER_MS_MAX), true);
});
