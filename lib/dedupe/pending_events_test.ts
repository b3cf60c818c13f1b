/** Tests of copies that wait: no forged copy hides the real one, and what is kept is bounded. */
import { assert, assertEquals } from "@std/assert";
import {
  PENDING_CHARS_MAX,
  PENDING_COPIES_MAX,
  PENDING_MS_MAX,
  PENDING_SENDER_CHARS_MAX,
} from "../limits.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { type EventCopy, PendingEvents } from "./pending_events.ts";

const ID = "5".repeat(64);
const copy = (text: string, sender = 1): EventCopy => ({ text, sender });

Deno.test("copies are tried one after the other until one is valid, and nothing is left of them", () => {
  const pending = new PendingEvents();
  assertEquals(pending.offer(ID, copy("forged"), 0), "send");
  assertEquals(pending.offer(ID, copy("forged", 2), 0), "same");
  assertEquals(pending.offer(ID, copy("also forged", 2), 0), "held");
  assertEquals(pending.offer(ID, copy("real", 3), 0), "held");
  assertEquals(pending.offer(ID, copy("real", 4), 0), "same");
  assertEquals(pending.settle(ID, false, 0), copy("also forged", 2));
  assertEquals(pending.offer(ID, copy("forged", 5), 0), "same");
  assertEquals(pending.settle(ID, false, 0), copy("real", 3));
  assertEquals(pending.settle(ID, true, 0), null);
  assertEquals([pending.size, pending.chars], [0, 0]);
  assertEquals(pending.settle(ID, true, 0), null, "an outcome of somebody else's");
});

Deno.test("an id whose copies were all invalid is as one that nobody has sent", () => {
  const pending = new PendingEvents();
  pending.offer(ID, copy("forged"), 0);
  assertEquals(pending.settle(ID, false, 0), null);
  assertEquals([pending.size, pending.offer(ID, copy("forged"), 0)], [0, "send"]);
});

Deno.test("copies for which there is no room are sent: of one id, of one sender, of all", () => {
  const pending = new PendingEvents();
  for (let n = 0; n < PENDING_COPIES_MAX; n++) pending.offer(ID, copy(`${n}`, n), 0);
  assertEquals(pending.offer(ID, copy("real"), 0), "send");
  for (let n = 0; n < PENDING_COPIES_MAX; n++) pending.settle(ID, false, 0);
  assertEquals(pending.size, 1, "one copy is still with the verifier");
  pending.settle(ID, false, 0);
  assertEquals([pending.size, pending.chars], [0, 0]);

  const long = "x".repeat(PENDING_SENDER_CHARS_MAX);
  for (let sender = 0; pending.chars < PENDING_CHARS_MAX; sender++) {
    assertEquals(pending.offer(`${sender}`, copy(long, sender), 0), "send");
    assertEquals(pending.offer(`${sender}`, copy("y", sender), 0), "send", "the sender's share is used up");
  }
  assertEquals(pending.offer("0", copy("y", 1_000), 0), "send", "all is used up");
  for (const sender of [0, 0, 0]) pending.settle(`${sender}`, false, 0);
  assertEquals(pending.chars, PENDING_CHARS_MAX - PENDING_SENDER_CHARS_MAX);
});

Deno.test("copies that have no outcome give way to those that are held", () => {
  const pending = new PendingEvents();
  pending.offer(ID, copy("read in another way"), 0);
  pending.offer(ID, copy("real", 2), 5);
  pending.offer("later", copy("x"), 10);
  assertEquals(pending.overdue(PENDING_MS_MAX - 1), []);
  assertEquals(pending.overdue(PENDING_MS_MAX), [{ id: ID, copy: copy("real", 2) }]);
  assertEquals(pending.overdue(PENDING_MS_MAX + 10), []);
  assertEquals(pending.size, 1, "the one that nobody answered is given up");
  assertEquals(pending.settle(ID, true, PENDING_MS_MAX + 10), null);
  assertEquals([pending.size, pending.chars], [0, 0]);
});

Deno.test("every event of which a real copy came is verified, whatever forged copies come when", () => {
  const prng = seededPrng("forged copies");
  for (let round = 0; round < 300; round++) {
    const pending = new PendingEvents();
    const seen = new Set<string>();
    const withVerifier: { id: string; text: string }[] = [];
    const real = new Set<string>();
    let verified = 0;
    const settleOne = () => {
      const [{ id, text }] = withVerifier.splice(prng.int(0, withVerifier.length - 1), 1) as [
        typeof withVerifier[0],
      ];
      verified++;
      const isValid = text === `real ${id}`;
      if (isValid) seen.add(id);
      const next = pending.settle(id, isValid, 0);
      if (next !== null) withVerifier.push({ id, text: next.text });
    };
    const copies = prng.int(1, 200);
    for (let n = 0; n < copies; n++) {
      const id = `${prng.int(1, 5)}`;
      const isReal = prng.chance(0.2);
      const text = isReal ? `real ${id}` : `forged ${prng.int(1, 30)}`;
      if (isReal) real.add(id);
      if (!seen.has(id) && pending.offer(id, copy(text, prng.int(1, 9)), 0) === "send") {
        withVerifier.push({ id, text });
      }
      if (withVerifier.length > 0 && prng.chance(0.3)) settleOne();
    }
    while (withVerifier.length > 0) settleOne();
    assertEquals([...seen].sort(), [...real].sort(), `round ${round}`);
    assertEquals([pending.size, pending.chars], [0, 0], `round ${round}`);
    assert(verified <= copies);
  }
});
