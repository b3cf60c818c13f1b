/**
 * Messages worked out from NIP-77 by hand, limited messages, and hostile ones.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { treeOf, twoSets, vectorOf } from "../../tests/support/negentropy_sets.ts";
import { type Prng, seededPrng } from "../../tests/support/prng.ts";
import { NegentropyError } from "./negentropy_error.ts";
import { initialMessage, reconcile, reconcileAnswer } from "./reconcile.ts";
import type { Item, ItemStorage } from "./storage.ts";

const VERSION = "61";
/** Mode bytes. */
const [SKIP, FINGERPRINT, ID_LIST] = ["00", "01", "02"];
const INFINITY = "0000";
const EE = "ee".repeat(32);

Deno.test("A party without events opens with an empty list up to infinity", () => {
  assertEquals(initialMessage(numbered(0)).toHex(), VERSION + INFINITY + ID_LIST + "00");
});

Deno.test("A party with few events opens with their ids, in order", () => {
  const storage = vectorOf([item(7, "bb"), item(7, "aa"), item(3, "ff")]);
  const ids = "ff".repeat(32) + "aa".repeat(32) + "bb".repeat(32);
  assertEquals(initialMessage(storage).toHex(), VERSION + INFINITY + ID_LIST + "03" + ids);
  assertEquals(initialMessage(numbered(31)).length, 1 + 2 + 1 + 1 + 31 * 32);
});

Deno.test("From 32 events on, a party opens with 16 fingerprints; the first parts take what is left over", () => {
  const storage = numbered(35);
  // Parts of 3, 3, 3 and then 2; each ends at the timestamp of the next one's first event.
  let expected = VERSION;
  for (let i = 0, begin = 0; i < 16; i++) {
    const end = begin + (i < 3 ? 3 : 2);
    const bound = i === 15 ? INFINITY : hexByte(1 + (i === 0 ? end : end - begin)) + "00";
    expected += bound + FINGERPRINT + storage.fingerprint(begin, end).toHex();
    begin = end;
  }
  assertEquals(initialMessage(storage).toHex(), expected);
});

Deno.test("The bound between two events of one second is one byte longer than what their ids share", () => {
  const items = Array.from({ length: 32 }, (_, i) => item(9, "c0ffee" + hexByte(i)));
  const message = initialMessage(vectorOf(items)).toHex();
  // The first bound is the third event's: timestamp 9 after 0, a prefix of four bytes.
  assertEquals(message.slice(0, 16), VERSION + "0a" + "04" + "c0ffee02" + FINGERPRINT);
  // The second counts from it: the same second, the fifth event.
  assertEquals(message.slice(16 + 32, 16 + 32 + 14), "01" + "04" + "c0ffee04" + FINGERPRINT);
});

Deno.test("A list is answered with our list, an equal fingerprint with nothing, another one with a split", () => {
  const storage = vectorOf([item(12_345, "ee")]);
  const listed = VERSION + INFINITY + ID_LIST + "01" + EE;
  assertEquals(answer(storage, VERSION + INFINITY + ID_LIST + "00"), listed);
  const equal = storage.fingerprint(0, 1).toHex();
  assertEquals(answer(storage, VERSION + INFINITY + FINGERPRINT + equal), VERSION);
  assertEquals(answer(storage, VERSION + INFINITY + FINGERPRINT + "00".repeat(16)), listed);
  const many = numbered(100);
  assertEquals(
    answer(many, VERSION + INFINITY + FINGERPRINT + "00".repeat(16)),
    initialMessage(many).toHex(),
  );
});

Deno.test("What is settled is skipped in one range, and only where something follows", () => {
  const storage = numbered(10);
  const settled = "0400" + SKIP + "0300" + FINGERPRINT + storage.fingerprint(3, 5).toHex();
  // Up to 3 they skip, up to 5 the fingerprints are equal, the rest they list.
  const asked = VERSION + settled + INFINITY + ID_LIST + "00";
  const ids = new Uint8Array(5 * 32);
  storage.copyIds(5, 10, ids, 0);
  assertEquals(answer(storage, asked), VERSION + "0600" + SKIP + INFINITY + ID_LIST + "05" + ids.toHex());
  assertEquals(answer(storage, VERSION + settled), VERSION);
});

Deno.test("A message of another version is answered with ours, so that the client can begin again", () => {
  for (const message of ["62aabbccddeeff", "62", "60", "6f00"]) {
    assertEquals(answer(numbered(5), message), VERSION);
  }
});

Deno.test("The asking side refuses a party of another version", () => {
  const error = assertThrows(() => asked(numbered(5), "62"), NegentropyError);
  assertEquals(error.message, "Cannot reconcile: the other party speaks protocol version 2");
});

Deno.test("A list that does not fit ends at its first id left out, and a fingerprint stands for the rest", () => {
  const storage = numbered(500);
  const reply = reconcile(storage, Uint8Array.fromHex(VERSION + INFINITY + ID_LIST + "00"), 4_096);
  // 3,896 bytes are the room; the version and 121 ids are 3,873, so one more begins in it.
  const ids = new Uint8Array(122 * 32);
  storage.copyIds(0, 122, ids, 0);
  const bound = "7b" + "20" + storage.item(122).id.toHex();
  const rest = INFINITY + FINGERPRINT + storage.fingerprint(122, 500).toHex();
  assertEquals(reply.toHex(), VERSION + bound + ID_LIST + "7a" + ids.toHex() + rest);
});

Deno.test("A range that does not fit is not taken for settled, though the other party has nothing there", () => {
  const storage = numbered(155);
  const nothing = vectorOf([]).fingerprint(0, 0).toHex();
  // The list of the first 115 fits, the split of the last 40 does not fit behind it.
  const message = VERSION + "7400" + ID_LIST + "00" + INFINITY + FINGERPRINT + nothing;
  const reply = reconcile(storage, Uint8Array.fromHex(message), 4_096).toHex();
  const rest = storage.fingerprint(115, 155).toHex();
  assertNotEquals(rest, nothing);
  assertEquals(reply.slice(-38), INFINITY + FINGERPRINT + rest);
});

Deno.test("No limited message is longer than its limit", () => {
  const prng = seededPrng("lengths of messages");
  for (let i = 0; i < 12; i++) {
    const sets = twoSets(prng, { shared: 500, ours: 900, theirs: 900, seconds: prng.pick([1, 500]) });
    const [ours, theirs] = [vectorOf(sets.ours), treeOf(sets.theirs)];
    const limit = prng.int(4_096, 9_000);
    for (let message = initialMessage(ours); message.length > 1;) {
      const reply = reconcile(theirs, message, limit);
      message = reconcileAnswer(ours, reply, limit, () => {});
      assert(reply.length <= limit && message.length <= limit);
    }
  }
});

Deno.test("A message that breaks the protocol is refused on both sides", () => {
  const zeros = "00".repeat(16);
  const refused: Record<string, string> = {
    "": "ends too early",
    "00": "no protocol version",
    "5f": "no protocol version",
    "70": "no protocol version",
    [VERSION + "00"]: "ends too early",
    [VERSION + INFINITY]: "ends too early",
    [VERSION + INFINITY + "03"]: "mode 3 is unknown",
    [VERSION + INFINITY + "8fffffffffffffffff7f"]: "mode Infinity is unknown",
    [VERSION + INFINITY + FINGERPRINT + zeros.slice(2)]: "ends too early",
    [VERSION + INFINITY + ID_LIST]: "ends too early",
    [VERSION + INFINITY + ID_LIST + "02" + EE]: "ends too early",
    [VERSION + INFINITY + ID_LIST + "8fffffffffffff7f" + EE]: "ends too early",
    [VERSION + "00" + "21" + "00".repeat(33) + SKIP]: "longer than an id",
    [VERSION + "ff".repeat(11)]: "more than 10 digits",
    [VERSION + "06" + "01ff" + SKIP + "01" + "01fe" + SKIP]: "ends before it begins",
    [VERSION + "06" + "01ff" + SKIP + "01" + "00" + SKIP]: "ends before it begins",
    [VERSION + "00" + "01ff" + SKIP + "00" + "00" + SKIP]: "ends before it begins",
  };
  for (const [hex, reason] of Object.entries(refused)) {
    assertThrows(() => answer(numbered(40), hex), NegentropyError, reason);
    assertThrows(() => asked(numbered(40), hex), NegentropyError, reason);
  }
});

Deno.test("Bounds may repeat, and ranges may follow infinity: they are empty", () => {
  const storage = numbered(3);
  const repeated = VERSION + "0100" + ID_LIST + "00" + "0100" + ID_LIST + "00" + INFINITY + SKIP + INFINITY +
    ID_LIST + "00";
  const expected = VERSION + "0100" + ID_LIST + "00" + "0100" + ID_LIST + "00" + INFINITY + SKIP + INFINITY +
    ID_LIST + "00";
  assertEquals(answer(storage, repeated), expected);
});

Deno.test("Whatever comes, nothing but a NegentropyError is thrown", () => {
  const prng = seededPrng("hostile messages");
  const sets = twoSets(prng, { shared: 300, ours: 100, theirs: 100, seconds: 150 });
  const storages = [vectorOf(sets.theirs), treeOf(sets.theirs)];
  const valid = messagesOf(vectorOf(sets.ours), storages[0]!);
  let refused = 0;
  let answered = 0;
  for (let i = 0; i < 8_000; i++) {
    const message = prng.chance(0.1) ? prng.bytes(prng.int(0, 80)) : spoiled(prng.pick(valid), prng);
    for (const use of [reconcile, reconcileAnswer]) {
      try {
        use(prng.pick(storages), message, prng.pick([0, 4_096]), () => {});
        answered++;
      } catch (error) {
        if (!(error instanceof NegentropyError)) throw error;
        refused++;
      }
    }
  }
  assert(refused > 1_000 && answered > 1_000, `${refused} refused, ${answered} answered`);
});

function spoiled(valid: Uint8Array, prng: Prng): Uint8Array {
  const message = valid.slice(0, prng.chance(0.5) ? prng.int(0, valid.length) : valid.length);
  for (let i = prng.int(0, 3); i > 0 && message.length > 1; i--) {
    // Mostly near the beginning, where bounds and modes are.
    message[prng.int(1, Math.min(message.length - 1, prng.pick([8, 60, 10_000])))] = prng.pick([
      0,
      1,
      2,
      32,
      255,
      prng.int(0, 255),
    ]);
  }
  return message;
}

function messagesOf(ours: ItemStorage, theirs: ItemStorage): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let message = initialMessage(ours); message.length > 1;) {
    const reply = reconcile(theirs, message, 4_096);
    messages.push(message, reply);
    message = reconcileAnswer(ours, reply, 4_096, () => {});
  }
  return messages;
}

function answer(storage: ItemStorage, hex: string): string {
  return reconcile(storage, Uint8Array.fromHex(hex), 0).toHex();
}

function asked(storage: ItemStorage, hex: string): string {
  return reconcileAnswer(storage, Uint8Array.fromHex(hex), 0, () => {}).toHex();
}

/** An item whose id repeats or begins with these bytes. */
function item(timestamp: number, start: string): Item {
  const id = start.length === 2 ? start.repeat(32) : start.padEnd(64, "0");
  return { timestamp, id: Uint8Array.fromHex(id) };
}

/** Items at the seconds 0, 1, 2 …, with ids that are all different. */
function numbered(count: number): ItemStorage {
  return vectorOf(Array.from({ length: count }, (_, i) => item(i, "a0" + i.toString(16).padStart(4, "0"))));
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}
