/**
 * One suite for every verification tier. A tier that cannot open here is skipped with its reason in the name.
 * Seeded by `SEED`.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { finalizeEvent } from "nostr-tools/pure";
import { prepareNative } from "../../scripts/native.ts";
import { BIP340_VECTORS } from "./bip340_vectors.ts";
import { openVerifier } from "./open_verifier.ts";
import { ITEM_BYTES, type SignatureVerifier, VERIFY_TIERS, type VerifyTier } from "./verifier.ts";

const SEED = Deno.env.get("SEED") ?? "verify";
const { path: libraryPath } = await prepareNative();

/** 32 bytes that follow from the seed and `name`. */
function seeded(name: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(`${SEED}/${name}`).digest());
}

function pack(message: Uint8Array, key: Uint8Array, signature: Uint8Array): Uint8Array {
  const item = new Uint8Array(ITEM_BYTES);
  item.set(message);
  item.set(key, 32);
  item.set(signature, 64);
  return item;
}

function concat(items: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(items.length * ITEM_BYTES);
  items.forEach((item, i) => all.set(item, i * ITEM_BYTES));
  return all;
}

function verdictsOf(verifier: SignatureVerifier, items: Uint8Array[]): boolean[] {
  const verdicts = new Uint8Array(items.length).fill(7);
  verifier.verify(concat(items), items.length, verdicts);
  assert(verdicts.every((verdict) => verdict <= 1), "a verdict is 0 or 1");
  return Array.from(verdicts, (verdict) => verdict === 1);
}

/** Valid items of a few authors, made once for all tiers. */
const valid = Array.from({ length: 41 }, (_, i) => {
  const template = { kind: 1, created_at: i, tags: [], content: seeded(`content ${i}`).toHex() };
  const { id, pubkey, sig } = finalizeEvent(template, seeded(`key ${i % 7}`));
  return pack(Uint8Array.fromHex(id), Uint8Array.fromHex(pubkey), Uint8Array.fromHex(sig));
});

async function open(tier: VerifyTier): Promise<{ verifier: SignatureVerifier } | { reason: string }> {
  try {
    return await openVerifier({ tier, libraryPath });
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

for (const tier of VERIFY_TIERS) {
  const opened = await open(tier);
  if ("reason" in opened) {
    Deno.test({ name: `${tier}: not here (${opened.reason})`, ignore: true, fn() {} });
    continue;
  }
  opened.verifier.close();

  const test = (name: string, fn: (verifier: SignatureVerifier) => void) =>
    Deno.test(`${tier}: ${name} (SEED=${SEED})`, async () => {
      const { verifier } = await openVerifier({ tier, libraryPath });
      try {
        fn(verifier);
      } finally {
        verifier.close();
      }
    });

  for (const vector of BIP340_VECTORS) {
    const name = `BIP-340 vector ${vector.index} is ${vector.valid ? "accepted" : "refused"}: ${vector.what}`;
    if (vector.message.length !== 64) {
      Deno.test({ name: `${tier}: ${name}: skipped, an event id has 32 bytes`, ignore: true, fn() {} });
      continue;
    }
    test(name, (verifier) => {
      const { message, publicKey, signature } = vector;
      const item = pack(
        Uint8Array.fromHex(message),
        Uint8Array.fromHex(publicKey),
        Uint8Array.fromHex(signature),
      );
      assertEquals(verdictsOf(verifier, [item]), [vector.valid]);
    });
  }

  test("all vectors in one batch keep their verdicts", (verifier) => {
    const vectors = BIP340_VECTORS.filter(({ message }) => message.length === 64);
    const items = vectors.map(({ message, publicKey, signature }) =>
      pack(Uint8Array.fromHex(message), Uint8Array.fromHex(publicKey), Uint8Array.fromHex(signature))
    );
    assertEquals(verdictsOf(verifier, items), vectors.map((vector) => vector.valid));
  });

  test("valid signatures are accepted in batches of every size, with no second decision", (verifier) => {
    for (let count = 0; count <= valid.length; count++) {
      const items = valid.slice(0, count);
      assertEquals(verdictsOf(verifier, items), items.map(() => true));
    }
    assertEquals(verifier.counters().secondDecisions, 0);
    assertEquals(verifier.counters().verified, valid.length * (valid.length + 1) / 2);
  });

  test("a signature with any one bit flipped is refused, and its neighbours are not", (verifier) => {
    const bits = Array.from({ length: ITEM_BYTES * 8 }, (_, bit) => bit);
    for (let start = 0; start < bits.length; start += 32) {
      const items = bits.slice(start, start + 32).flatMap((bit, i) => {
        const mutated = valid[(start + i) % valid.length]!.slice();
        mutated[bit >> 3]! ^= 1 << (bit & 7);
        return [mutated, valid[(start + i + 1) % valid.length]!];
      });
      assertEquals(verdictsOf(verifier, items), items.map((_, i) => i % 2 === 1), `bits from ${start}`);
    }
  });

  test("parts of one valid signature do not serve another", (verifier) => {
    const items = valid.slice(0, 20).map((item, i) => {
      const other = valid[i + 7]!;
      const mixed = item.slice();
      const from = [0, 32, 64, 96][i % 4]!;
      mixed.set(other.subarray(from, from + 32), from);
      // The same author may have signed the other item: then its key is the same, and nothing is mixed.
      return mixed;
    });
    const expected = items.map((item, i) => item.every((byte, at) => byte === valid[i]![at]));
    assertEquals(verdictsOf(verifier, items), expected);
  });

  test("two invalid signatures whose errors cancel in a sum are both refused", (verifier) => {
    // s1 + d and s2 - d: a linear combination with equal coefficients would accept the pair.
    const items = [valid[0]!.slice(), valid[1]!.slice()];
    items[0]![127] = (items[0]![127]! + 1) & 255;
    items[1]![127] = (items[1]![127]! - 1) & 255;
    assertEquals(verdictsOf(verifier, [...items, ...valid.slice(2, 20)]).slice(0, 2), [false, false]);
  });

  test("an item repeated in a batch gets the same verdict each time", (verifier) => {
    const broken = valid[3]!.slice();
    broken[0]! ^= 1;
    const items = Array.from({ length: 30 }, (_, i) => i % 3 === 0 ? broken : valid[3]!);
    assertEquals(verdictsOf(verifier, items), items.map((_, i) => i % 3 !== 0));
  });

  test("items of zeros and of ones are refused", (verifier) => {
    for (const byte of [0, 255]) {
      assertEquals(
        verdictsOf(verifier, Array.from({ length: 9 }, () => new Uint8Array(ITEM_BYTES).fill(byte))),
        Array(9).fill(false),
      );
    }
  });

  test("a buffer that is too small for its count is our own mistake", (verifier) => {
    assertThrows(
      () => verifier.verify(new Uint8Array(ITEM_BYTES), 2, new Uint8Array(2)),
      Error,
      "inside their buffer",
    );
    assertThrows(
      () => verifier.verify(new Uint8Array(ITEM_BYTES), 1, new Uint8Array(0)),
      Error,
      "has a verdict",
    );
  });

  test("hashes agree with SHA-256 at every length around the padding", (verifier) => {
    const lengths = [0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 127, 128, 129, 1000, 100_000];
    const offsets = new Uint32Array(lengths.length + 1);
    lengths.forEach((length, i) => offsets[i + 1] = offsets[i]! + length);
    const bytes = new Uint8Array(offsets[lengths.length]!).map((_, i) => i * 31 + (i >> 8));
    const digests = new Uint8Array(32 * lengths.length);
    verifier.hash(bytes, offsets, lengths.length, digests);
    lengths.forEach((length, i) => {
      const expected = createHash("sha256").update(bytes.subarray(offsets[i], offsets[i + 1])).digest("hex");
      assertEquals(digests.subarray(32 * i, 32 * i + 32).toHex(), expected, `${length} bytes`);
    });
  });

  test("messages outside their buffer are our own mistake", (verifier) => {
    const hash = (ends: number[]) =>
      verifier.hash(new Uint8Array(8), Uint32Array.of(...ends), 1, new Uint8Array(32));
    assertThrows(() => hash([0, 9]), Error, "inside their buffer");
    assertThrows(() => hash([4, 3]), Error, "offsets ascend");
    assertThrows(() => hash([0]), Error, "a start and an end");
  });
}

Deno.test("a named tier that cannot open is an error that says why", async () => {
  const error = await assertRejects(() => openVerifier({ tier: "native", libraryPath: null }), Error);
  assertStringIncludes(error.message, `Cannot open verification tier "native": no library was built`);
  await assertRejects(
    () => openVerifier({ tier: "batch", libraryPath: "/nonexistent.so" }),
    Error,
    "/nonexistent.so",
  );
});

Deno.test("auto takes the fastest tier that opens and tells what it skipped", async () => {
  const { verifier, skipped } = await openVerifier({ tier: "auto", libraryPath: null });
  try {
    assertEquals(skipped.slice(0, 3).map(({ tier }) => tier), ["lanes", "batch", "native"]);
    assert(["system", "wasm"].includes(verifier.tier));
    assertStringIncludes(verifier.description, verifier.tier);
    assertEquals(VERIFY_TIERS.indexOf(verifier.tier), skipped.length);
  } finally {
    verifier.close();
  }
});
