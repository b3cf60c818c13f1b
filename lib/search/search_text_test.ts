/** Tests of the parser of NIP-50's text. */
import { assertEquals } from "@std/assert";
import { SEARCH_BYTES_MAX, SEARCH_CLAUSES_MAX } from "../limits.ts";
import { parseSearchText } from "./search_text.ts";

function words(text: string): string[] {
  return parseSearchText(text).terms.map((term) => term.text);
}

function phrases(text: string): string[] {
  return parseSearchText(text).phrases.map((phrase) => phrase.text);
}

Deno.test("parseSearchText() splits words at white space of any kind", () => {
  assertEquals(words("  best\tnostr\napps\u3000today "), ["best", "nostr", "apps", "today"]);
  assertEquals(words(""), []);
});

Deno.test("parseSearchText() keeps quoted phrases together, with any quotes", () => {
  assertEquals(phrases('a "b c" “d e” «f»'), ["b c", "d e", "f"]);
  assertEquals(words('a "b c" “d e”'), ["a"]);
  assertEquals(words('x"y z"w'), ["x", "w"]);
  assertEquals(phrases('x"y z"w'), ["y z"]);
});

Deno.test("parseSearchText() takes a quote without a partner for a space", () => {
  assertEquals(words('apple "pear plum'), ["apple", "pear", "plum"]);
  assertEquals(phrases('"'), []);
});

Deno.test("parseSearchText() keeps known extensions and drops unknown ones", () => {
  const text = 'nostr language:en nsfw:false domain:"example.com" sort:hot foo:bar include:spam language:de';
  const { terms, extensions } = parseSearchText(text);
  assertEquals(terms.map((term) => term.text), ["nostr"]);
  assertEquals([...extensions], [
    ["language", "en"],
    ["nsfw", "false"],
    ["domain", "example.com"],
    ["sort", "hot"],
    ["include", "spam"],
  ]);
});

Deno.test("parseSearchText() takes addresses, times and lone colons for words", () => {
  assertEquals(words("https://example.com nostr:npub1abc 12:30 Re: :x"), [
    "https://example.com",
    "nostr:npub1abc",
    "12:30",
    "Re:",
    ":x",
  ]);
});

Deno.test("parseSearchText() splits a word where CJK begins or ends", () => {
  const { terms } = parseSearchText("日本語text検索 カタカナー안녕");
  assertEquals(terms, [
    { text: "日本語", cjk: true },
    { text: "text", cjk: false },
    { text: "検索", cjk: true },
    { text: "カタカナー안녕", cjk: true },
  ]);
});

Deno.test("parseSearchText() drops what no index has, and says so if nothing else is asked for", () => {
  assertEquals(words("apple & pear - !!"), ["apple", "pear"]);
  assertEquals(parseSearchText("apple !!").unsearchable, false);
  assertEquals(parseSearchText("!! ...").unsearchable, true);
  assertEquals(parseSearchText('"-"').unsearchable, true);
  assertEquals(parseSearchText('  "" "  "').unsearchable, false);
});

Deno.test("parseSearchText() stops at its bounds", () => {
  const many = parseSearchText("a ".repeat(SEARCH_BYTES_MAX));
  assertEquals(many.terms.length, SEARCH_CLAUSES_MAX);
  assertEquals(words("a".repeat(SEARCH_BYTES_MAX * 2))[0]!.length, SEARCH_BYTES_MAX);
});
