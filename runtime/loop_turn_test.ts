/** Tests of the turns of an event loop: a thread that works without a pause meets what comes in meanwhile. */
import { assert } from "@std/assert";
import { setImmediate } from "node:timers";
import { LOOP_LOOK_MS, LOOP_WRITES_PER_TURN } from "../lib/limits.ts";
import { LoopTurn } from "./loop_turn.ts";

const ROUNDS = 20;
/** Turns that Deno lets pass by itself. */
const TURNS_UNSEEN = 61;

/** Works for so long. */
function work(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

Deno.test("a socket is read after a few turns in the mean, however long each works", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using near = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using far = await listener.accept();
  const loop = new LoopTurn();
  let turns = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let isRead = false;
    const reading = far.read(new Uint8Array(8)).then(() => isRead = true);
    await loop.next();
    await near.write(Uint8Array.of(round));
    for (; !isRead; turns++) {
      work(2 * LOOP_LOOK_MS);
      await loop.next();
    }
    await reading;
  }
  // The other thread may answer before this one waits, so that not each look is one.
  assert(turns < ROUNDS * TURNS_UNSEEN / 4, `${turns} turns`);
});

Deno.test("all who wait for a turn have the same one, and frames that were written get turns of their own", async () => {
  const loop = new LoopTurn();
  const order: string[] = [];
  const first = loop.next().then(() => order.push("first"));
  assert(loop.next() === loop.next());
  await first;
  let immediates = 0;
  let isOver = false;
  const count = () => {
    if (isOver) return;
    immediates++;
    setImmediate(count);
  };
  setImmediate(count);
  for (let n = 0; n < 10 * LOOP_WRITES_PER_TURN; n++) loop.wrote();
  await loop.next();
  isOver = true;
  assert(immediates >= 8, `${immediates} turns`);
});

Deno.test("that a turn begins is told, once, to whoever waits for it", async () => {
  const loop = new LoopTurn();
  let begun = 0;
  loop.begun().then(() => begun++);
  await Promise.resolve();
  assert(begun === 0);
  await loop.next();
  assert(begun as number === 1);
  await loop.next();
  assert(begun as number === 1);
});
