/** Tests of the search for slow patterns: forms that take quadratic time are found, and linear ones are not. */
import { assertEquals } from "@std/assert";
import { slowPart } from "./slow_patterns.ts";

const find = ({ source, flags }: RegExp) => slowPart(source, flags);

Deno.test("repetitions in a row that take the same characters are found, whatever optional stands between", () => {
  const slow = [/whatsapp\s*:?\s*@/, /a\d+[0-9]*b/, /x(?:\s*,?\s*y)/, /^\w+\d+$/, /a.*?\s*b/];
  for (const pattern of slow) assertEquals(find(pattern)?.endsWith("same characters"), true, pattern.source);
});

Deno.test("a repetition of a repetition is found", () => {
  for (const pattern of [/^(?:a+)+$/, /^x(?:y|(\d*)*)$/]) {
    assertEquals(find(pattern)?.endsWith("repeats itself"), true, pattern.source);
  }
});

Deno.test("a repetition that begins anywhere and has to end somewhere is found", () => {
  for (const pattern of [/\/+$/, /\s+x/, /a|[a-z]*:/]) {
    assertEquals(find(pattern)?.endsWith("begins anywhere"), true, pattern.source);
  }
});

Deno.test("linear patterns are left alone", () => {
  const linear = [
    /\S+/g,
    /^\s+$/,
    /whatsapp\s*(?:[:：]\s*)?[@+]\S/,
    /[^\s"]+/g,
    /^([a-z]+):(\d+)$/,
    /[\p{L}][\p{L}'’]*|[.!?]/gu,
    /\bx[)\]]*y/,
  ];
  for (const pattern of linear) assertEquals(find(pattern), null, pattern.source);
});
