/** Tests of what a text is taken to feel like. */
import { assertEquals } from "@std/assert";
import { sentimentOf } from "./sentiment.ts";

Deno.test("sentimentOf() adds up the words of an English text", () => {
  const cases: [string, string][] = [
    ["I love this beautiful morning", "positive"],
    ["The worst day, everything is broken and terrible", "negative"],
    ["The train leaves at nine", "neutral"],
    ["", "neutral"],
    ["good and bad", "neutral"],
    ["LOVE", "positive"],
  ];
  for (const [text, expected] of cases) assertEquals(sentimentOf(text, "en"), expected, text);
});

Deno.test("sentimentOf() turns words round after a negation, until the sentence ends", () => {
  assertEquals(sentimentOf("this is not a good idea", "en"), "negative");
  assertEquals(sentimentOf("I don’t love it", "en"), "negative");
  assertEquals(sentimentOf("no. I love it", "en"), "positive");
  assertEquals(sentimentOf("not one of the four friends who love it", "en"), "positive", "too far away");
});

Deno.test("sentimentOf() claims nothing of other languages but what emoji say", () => {
  assertEquals(sentimentOf("ich liebe es, good love", "de"), "");
  assertEquals(sentimentOf("love", ""), "");
  assertEquals(sentimentOf("素晴らしい 😍", "ja"), "positive");
  assertEquals(sentimentOf("😡😡", ""), "negative");
});
