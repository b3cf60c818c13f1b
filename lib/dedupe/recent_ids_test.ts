/** Tests of the newest ids against a list. */
import { assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { KEY_HASH_WORDS, KeyHash } from "../nostr/key_hash.ts";
import { readIdWords } from "./id_words.ts";
import { RecentIds } from "./recent_ids.ts";

Deno.test("the table knows the last ids exactly, as a list does, also where all share a bucket", () => {
  const prng = seededPrng("recent ids");
  const chance = Uint32Array.from({ length: KEY_HASH_WORDS }, () => prng.uint32());
  for (const hash of [new KeyHash(chance), new KeyHash(new Uint32Array(KEY_HASH_WORDS))]) {
    for (const capacity of [1, 2, 7, 64]) {
      const recent = new RecentIds(capacity, hash);
      const pool = Array.from({ length: capacity * 3 }, () => prng.hex(32));
      let list: string[] = [];
      const words = new Uint32Array(8);
      for (let round = 0; round < 2_000; round++) {
        const id = prng.pick(pool);
        readIdWords(id, words);
        assertEquals(recent.has(words), list.includes(id), `round ${round} of ${capacity}`);
        recent.add(words);
        if (!list.includes(id)) list = [...list, id].slice(-capacity);
        assertEquals(recent.size, list.length);
      }
    }
  }
});

Deno.test("ids that differ in one digit are different ids", () => {
  const recent = new RecentIds(100, new KeyHash(new Uint32Array(KEY_HASH_WORDS).fill(7)));
  const words = new Uint32Array(8);
  const id = "0123456789abcdef".repeat(4);
  readIdWords(id, words);
  recent.add(words);
  for (let at = 0; at < 64; at++) {
    readIdWords(id.slice(0, at) + (id[at] === "f" ? "0" : "f") + id.slice(at + 1), words);
    assertEquals(recent.has(words), false, `digit ${at}`);
  }
});
