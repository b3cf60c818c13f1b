/**
 * HyperLogLog after the text of NIP-45.
 *
 * @module
 */
import { hash } from "node:crypto";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import type { Filter } from "./filter.ts";
import { HyperLogLog, hyperLogLogOffset, isCanonicalCount } from "./hyperloglog.ts";

/** The answer to "Followers count with HyperLogLog" in NIP-45, whose count is 16,578. */
const NIP_45_FOLLOWERS =
  "0607070505060806050508060707070706090d080b0605090607070b07090606060b0705070709050807080805080407060906080707080507070805060509040a0b06060704060405070706080607050907070b08060808080b080607090a06060805060604070908050607060805050d05060906090809080807050e0705070507060907060606070708080b0807070708080706060609080705060604060409070a0808050a0506050b0810060a0908070709080b0a07050806060508060607080606080707050806080c0a0707070a080808050608080f070506070706070a0908090c080708080806090508060606090906060d07050708080405070708";

Deno.test("The offset is 8 plus the hex character at position 32 of the first tag's first value", () => {
  for (let digit = 0; digit < 16; digit++) {
    const value = "f".repeat(32) + digit.toString(16) + "f".repeat(31);
    assertEquals(hyperLogLogOffset(tagged("e", value)), 8 + digit);
    assertEquals(hyperLogLogOffset(tagged("p", value, "0".repeat(64))), 8 + digit);
  }
  const two = {
    ...tagged("e", "0".repeat(64)),
    tags: [...tagged("e", "0".repeat(64)).tags, ...tagged("p", "f".repeat(64)).tags],
  };
  assertEquals(hyperLogLogOffset(two), 8);
});

Deno.test("The offset of an address is its pubkey's", () => {
  const pubkey = "f".repeat(32) + "3" + "f".repeat(31);
  assertEquals(hyperLogLogOffset(tagged("a", `30023:${pubkey}:an:article`)), 8 + 3);
  assertEquals(hyperLogLogOffset(tagged("a", `10002:${pubkey}:`)), 8 + 3);
});

Deno.test("The offset of anything else is that of its SHA-256", () => {
  const short = "f".repeat(63);
  for (
    const value of [
      "bitcoin",
      "",
      "münze",
      short,
      `30023:${short}:d`,
      `30023:${"f".repeat(64)}`,
      "F".repeat(64),
    ]
  ) {
    assertEquals(hyperLogLogOffset(tagged("t", value)), 8 + parseInt(hash("sha256", value, "hex")[32]!, 16));
  }
});

Deno.test("A filter without a tag attribute has no offset", () => {
  assertEquals(hyperLogLogOffset({ kinds: [1], tags: [], limit: 1 }), null);
  assertEquals(hyperLogLogOffset(tagged("e")), null);
});

Deno.test("The canonical counts are those that NIP-45 lists", () => {
  const id = "a".repeat(64);
  const canonical: [string, number[]][] = [["e", [7]], ["e", [6]], ["q", [1, 1111]], ["q", [1111, 1]], ["e", [
    1,
  ]], ["E", [
    1111,
  ]], ["p", [3]]];
  for (const [letter, kinds] of canonical) {
    assertEquals(isCanonicalCount({ ...tagged(letter, id), kinds }), true);
  }
  const reactions = { ...tagged("e", id), kinds: [7] };
  const others: Filter[] = [
    tagged("e", id),
    { ...reactions, kinds: [] },
    { ...reactions, kinds: [6, 7] },
    { ...reactions, kinds: [5] },
    { ...tagged("p", id), kinds: [7] },
    { ...tagged("q", id), kinds: [1] },
    { ...tagged("e", id, "b".repeat(64)), kinds: [7] },
    { ...reactions, tags: [...reactions.tags, ...tagged("p", id).tags] },
    { ...reactions, tags: [] },
    { ...reactions, ids: [id] },
    { ...reactions, authors: [id] },
    { ...reactions, since: 1 },
    { ...reactions, until: 1 },
    { ...reactions, search: "x" },
  ];
  for (const filter of others) assertEquals(isCanonicalCount(filter), false, JSON.stringify(filter));
});

Deno.test("A pubkey's byte at the offset is its register, the zero bits behind it plus one the value", () => {
  const cases: [behind: string, value: number][] = [
    ["80000000000000", 1],
    ["ff000000000000", 1],
    ["40000000000000", 2],
    ["01000000000000", 8],
    ["00800000000000", 9],
    ["00000100000000", 24],
    ["00000000000001", 56],
    // Seven bytes are looked at: what lies behind them does not count.
    ["00000000000000", 57],
  ];
  for (let offset = 8; offset <= 23; offset++) {
    for (const [behind, value] of cases) {
      const counter = new HyperLogLog();
      const start = "ff".repeat(offset) + "a7" + behind;
      counter.add(start.padEnd(64, "0"), offset);
      const expected = new Uint8Array(256);
      expected[0xa7] = value;
      assertEquals(counter.toHex(), expected.toHex());
    }
  }
});

Deno.test("A register keeps its highest value", () => {
  const counter = new HyperLogLog();
  for (const behind of ["10", "01", "80"]) counter.add(("00".repeat(8) + "05" + behind).padEnd(64, "f"), 8);
  assertEquals(counter.registers[5], 8);
});

Deno.test("The registers travel as 512 hex characters", () => {
  const counter = HyperLogLog.fromHex(NIP_45_FOLLOWERS);
  assertEquals(counter.registers[0], 6);
  assertEquals(counter.registers[18], 0x0d);
  assertEquals(counter.registers[255], 8);
  assertEquals(counter.toHex(), NIP_45_FOLLOWERS);
  for (const text of ["", "00", NIP_45_FOLLOWERS + "00", "zz" + NIP_45_FOLLOWERS.slice(2)]) {
    assertThrows(() => HyperLogLog.fromHex(text), RangeError, "it is not 512 hex characters");
  }
});

Deno.test("The NIP's example estimates to the NIP's count within two standard errors", () => {
  const estimate = HyperLogLog.fromHex(NIP_45_FOLLOWERS).estimate();
  assert(Math.abs(estimate - 16_578) < 16_578 * 2 * 0.065, `${estimate}`);
});

Deno.test("Merged counters are as one that counted all authors: each register has the higher value", () => {
  const prng = seededPrng("merged counters");
  const [a, b, all] = [new HyperLogLog(), new HyperLogLog(), new HyperLogLog()];
  for (let i = 0; i < 4_000; i++) {
    const pubkey = prng.hex(32);
    if (i % 3 !== 0) a.add(pubkey, 11);
    if (i % 3 !== 1) b.add(pubkey, 11);
    all.add(pubkey, 11);
  }
  a.merge(b);
  assertEquals(a.toHex(), all.toHex());
  a.merge(b);
  assertEquals(a.toHex(), all.toHex());
});

Deno.test("An estimate is close for few and for many, and the same author counts once", () => {
  const prng = seededPrng("estimates");
  assertEquals(new HyperLogLog().estimate(), 0);
  for (const count of [1, 5, 50, 200, 400, 800, 2_000, 20_000, 100_000]) {
    const counter = new HyperLogLog();
    for (let i = 0; i < count; i++) {
      const pubkey = prng.hex(32);
      counter.add(pubkey, 23);
      counter.add(pubkey, 23);
    }
    // Five standard errors, 6.5 % each, and one for rounding.
    const tolerance = 1 + count * 5 * 0.065;
    assert(Math.abs(counter.estimate() - count) <= tolerance, `${counter.estimate()} for ${count}`);
  }
});

function tagged(letter: string, ...values: string[]): Filter {
  return { tags: [{ letter, values }], limit: 500 };
}
