/** Tests of texts that clients choose, among them numbers, which V8 hashes as what they are. */
import { assertEquals } from "@std/assert";
import { ChosenTexts, distinctTexts } from "./chosen_texts.ts";

/** Array indexes whose hashes are multiples of 2^13. */
const INDEXES = Array.from({ length: 5_000 }, (_, n) => String(n * 8_192));
const OTHERS = ["", "#", "#0", "##0", "00", "-1", "4294967295", "99999999999", "a", "1a", "é"];

Deno.test("a set of texts holds what it was given, and nothing that looks alike", () => {
  const texts = new ChosenTexts([...INDEXES, ...OTHERS]);
  for (const text of [...INDEXES, ...OTHERS]) assertEquals(texts.has(text), true, text);
  for (const text of ["1", "8191", "#8192", "##", "#1", "0a", "01"]) {
    assertEquals(texts.has(text), false, text);
  }
});

Deno.test("texts lose their repeats and keep their order", () => {
  for (const some of [INDEXES, OTHERS, [...OTHERS, ...INDEXES.slice(0, 40)]]) {
    assertEquals(distinctTexts([...some, ...some.toReversed()]), some);
  }
});
