/**
 * Whole sessions: both parties learn the exact difference, whatever fits into a message, and no session is
 * endless.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { runSession } from "../../tests/support/negentropy_session.ts";
import { FIRST_SECOND, treeOf, twoSets, vectorOf, windowOf } from "../../tests/support/negentropy_sets.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { Initiator } from "./initiator.ts";
import { NegentropyError } from "./negentropy_error.ts";
import { reconcile } from "./reconcile.ts";

Deno.test("Two parties learn exactly what each of them lacks, with messages of any size", () => {
  const prng = seededPrng("two parties");
  for (let i = 0; i < 80; i++) {
    const large = 2 ** prng.int(0, 11);
    const sets = twoSets(prng, {
      shared: prng.int(0, large * 2),
      ours: prng.int(0, large),
      theirs: prng.int(0, large),
      seconds: prng.pick([1, 30, 1_000, 1_000_000]),
    });
    const [ours, theirs] = [prng.pick([vectorOf, treeOf]), prng.pick([vectorOf, treeOf, windowOf])];
    const frames = {
      ours: prng.pick([0, 4_096, prng.int(4_096, 20_000)]),
      theirs: prng.pick([0, 4_096, prng.int(4_096, 20_000)]),
    };
    const { have, need } = runSession(ours(sets.ours), theirs(sets.theirs), frames);
    assertEquals(have, sets.have);
    assertEquals(need, sets.need);
  }
});

Deno.test("Sets that part in clusters are reconciled, as after an outage", () => {
  const prng = seededPrng("clusters");
  const shared = twoSets(prng, { shared: 5_000, ours: 0, theirs: 0, seconds: 10_000 }).ours;
  const ours = shared.filter(({ timestamp }) => timestamp < FIRST_SECOND + 7_000);
  const theirs = shared.filter(({ timestamp }) => timestamp % 3_000 > 500);
  for (const frame of [0, 4_096]) {
    const { have, need } = runSession(vectorOf(ours), treeOf(theirs), { ours: frame, theirs: frame });
    assertEquals(have, without(ours, theirs));
    assertEquals(need, without(theirs, ours));
  }
});

Deno.test("The other party's set may change while a session lasts; what both had is never reported", () => {
  const prng = seededPrng("a set that changes");
  const sets = twoSets(prng, { shared: 3_000, ours: 300, theirs: 300, seconds: 2_000 });
  const later = [...twoSets(prng, { shared: 0, ours: 0, theirs: 2_000, seconds: 2_000 }).theirs];
  const theirs = treeOf(sets.theirs);
  const initiator = new Initiator(vectorOf(sets.ours), { frameBytesMax: 4_096 });
  const have: string[] = [];
  const need: string[] = [];
  for (let message: Uint8Array | null = initiator.initiate(); message !== null;) {
    for (const { timestamp, id } of later.splice(0, 20)) theirs.insert(timestamp, id);
    const findings = initiator.receive(reconcile(theirs, message, 4_096));
    have.push(...findings.have);
    need.push(...findings.need);
    message = findings.message;
  }
  assertEquals(have.sort(), sets.have);
  const needed = new Set(need);
  assertEquals(sets.need.filter((id) => !needed.has(id)), []);
  const shared = new Set(sets.ours.map(({ id }) => id.toHex()));
  assertEquals(need.filter((id) => shared.has(id)), []);
});

Deno.test("A party that never agrees ends the session when the rounds are used up", () => {
  const prng = seededPrng("no agreement");
  const storage = vectorOf(twoSets(prng, { shared: 100, ours: 0, theirs: 0, seconds: 100 }).ours);
  const initiator = new Initiator(storage, { roundsMax: 5 });
  initiator.initiate();
  const disagreement = Uint8Array.fromHex("61" + "0000" + "01" + "00".repeat(16));
  for (let i = 0; i < 5; i++) initiator.receive(disagreement);
  assertThrows(() => initiator.receive(disagreement), NegentropyError, "5 rounds were not enough");
});

Deno.test("A party that invents ids ends the session when more differ than a session may find", () => {
  const prng = seededPrng("invented ids");
  const initiator = new Initiator(vectorOf([]), { idsMax: 10 });
  initiator.initiate();
  const list = Uint8Array.fromHex("61" + "0000" + "02" + "0b" + prng.hex(32 * 11));
  assertThrows(() => initiator.receive(list), NegentropyError, "more than 10 ids differ");
});

Deno.test("An id that is listed twice is reported once", () => {
  const id = "ab".repeat(32);
  const initiator = new Initiator(vectorOf([]));
  initiator.initiate();
  const list = Uint8Array.fromHex("61" + "0000" + "02" + "02" + id + id);
  assertEquals(initiator.receive(list), { message: null, have: [], need: [id] });
  assertEquals(initiator.receive(list), { message: null, have: [], need: [] });
});

function without(items: readonly { id: Uint8Array }[], others: readonly { id: Uint8Array }[]): string[] {
  const known = new Set(others.map(({ id }) => id.toHex()));
  return items.map(({ id }) => id.toHex()).filter((id) => !known.has(id)).sort();
}
