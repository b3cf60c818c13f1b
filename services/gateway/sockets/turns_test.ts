/** Tests of turns: who has used little comes first, nobody waits for ever, and a turn ends when its time is over. */
import { assert, assertEquals } from "@std/assert";
import {
  TURN_LIGHT_ROWS,
  TURN_MOST_USED_EVERY,
  TURN_MS_MAX,
  TURNS_OF_LIGHT_MAX,
} from "../../../lib/limits.ts";
import { LoopTurn } from "../../../runtime/loop_turn.ts";
import { type Guest, Turns } from "./turns.ts";

/** Turns with a clock that hangs but for what messages take, and a log of who was answered. */
function setUp() {
  const clock = { ms: 1_000 };
  const turns = new Turns(new LoopTurn(), () => clock.ms);
  const answered: string[] = [];
  /** A client with so many messages to be answered, each of which takes so long. */
  const client = (name: string, messages: number, ms: number, used = 0) => {
    const guest: Guest & { left: number } = {
      used,
      usedMs: clock.ms,
      visitMs: 0,
      visitTurn: 0,
      isHeldBack: false,
      left: messages,
      rested: () => read(guest),
    };
    const read = (guest: Guest & { left: number }) => {
      while (guest.left > 0) {
        if (!turns.hasRoom(guest) && !isHeld.delete(guest)) {
          isHeld.add(guest);
          return turns.rest(guest, true);
        }
        guest.left--;
        const goesOn = turns.serve(guest, 0, () => {
          answered.push(name);
          clock.ms += ms;
        });
        if (!goesOn && guest.left > 0) return turns.rest(guest, false);
      }
    };
    return { guest, read: () => read(guest) };
  };
  /** Those that rest before a message that was read. */
  const isHeld = new Set<Guest>();
  const untilQuiet = async () => {
    while (turns.resting > 0) await new Promise<void>((resolve) => setTimeout(resolve));
  };
  return { turns, answered, client, untilQuiet };
}

Deno.test("a message that comes when the turn's time is over waits for the next turn", async () => {
  const { turns, answered, client, untilQuiet } = setUp();
  client("first", 1, TURN_MS_MAX, 2 * TURN_LIGHT_ROWS).read();
  const second = client("second", 1, 1, 2 * TURN_LIGHT_ROWS);
  second.read();
  assertEquals([answered, turns.resting], [["first"], 1]);
  await untilQuiet();
  assertEquals(answered, ["first", "second"]);
});

Deno.test("who has used little is answered before those who have used much and came before", async () => {
  const { answered, client, untilQuiet } = setUp();
  for (let n = 0; n < 50; n++) client("much", 4, TURN_MS_MAX, 16 * TURN_LIGHT_ROWS).read();
  client("little", 10, 0.1).read();
  await untilQuiet();
  assert(
    answered.lastIndexOf("little") < 15,
    `it was answered after ${answered.lastIndexOf("little")} messages`,
  );
  assertEquals(answered.length, 210);
});

Deno.test("who has used most is answered, too, while others go on asking", async () => {
  const { turns, answered, client } = setUp();
  client("full", 1, TURN_MS_MAX, 2 * TURN_LIGHT_ROWS).read();
  const least = client("less", 1_000, TURN_MS_MAX, 2 * TURN_LIGHT_ROWS);
  least.read();
  client("most", 1, TURN_MS_MAX, 1_000 * TURN_LIGHT_ROWS).read();
  while (!answered.includes("most")) {
    assert(least.guest.left > 0, "it was answered last");
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
  assert(
    answered.length < 2 * TURNS_OF_LIGHT_MAX * TURN_MOST_USED_EVERY,
    `after ${answered.length} messages`,
  );
  assert(turns.resting > 0);
  least.guest.left = 0;
});

Deno.test("rows that are looked at for a client decide its place, and fade", () => {
  const { turns, client } = setUp();
  const { guest } = client("asker", 0, 0);
  turns.charge(guest, 1_000);
  guest.usedMs -= 1_000;
  turns.charge(guest, 0);
  assertEquals(Math.round(guest.used), 500);
});
