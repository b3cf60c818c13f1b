/** Tests of what of an event is searchable. */
import { assertEquals } from "@std/assert";
import { SEARCH_FIELD_CHARS_MAX, TAG_VALUE_SEARCHED_CHARS_MAX } from "../limits.ts";
import { searchDocument } from "./search_document.ts";
import { note, profile } from "./search_test_fixture.ts";

Deno.test("searchDocument() takes the keys of an event as they are", () => {
  const event = note("hello", { tags: [["expiration", "1700000000"]] });
  const { id, pubkey, kind, created_at } = event;
  const expected = {
    id,
    pubkey,
    kind,
    created_at,
    expires_at: 1_700_000_000,
    tags: [],
    texts: { content: "hello" },
    language: "",
    sentiment: "" as const,
    isSpam: false,
    isSensitive: false,
  };
  assertEquals(searchDocument(event), expected);
});

Deno.test("searchDocument() takes first values of single-letter tags, each once", () => {
  const long = "x".repeat(TAG_VALUE_SEARCHED_CHARS_MAX + 1);
  const tags = [["t", "a", "b"], ["t", "a"], ["T", "a"], ["e", "1"], ["title", "x"], ["d"], [], ["d", ""], [
    "r",
    long,
  ]];
  assertEquals(searchDocument(note("", { tags })).tags, ["t:a", "T:a", "e:1", "d:"]);
});

Deno.test("searchDocument() takes a profile apart", () => {
  const event = profile({
    name: "ann",
    displayName: "Ann",
    nip05: "ann@example.com",
    about: "",
    website: "x",
  });
  assertEquals(searchDocument(event).texts, { name: "ann", display_name: "Ann", nip05: "ann@example.com" });
  for (const content of ["", "[]", "1", '"a"', "null", "{", '{"name":{}}']) {
    assertEquals(searchDocument(note(content, { kind: 0 })).texts, {}, content);
  }
});

Deno.test("searchDocument() normalises texts and cuts long ones", () => {
  const { content } = searchDocument(note("ﷺ".repeat(SEARCH_FIELD_CHARS_MAX))).texts;
  assertEquals(content?.length, SEARCH_FIELD_CHARS_MAX);
  assertEquals(content?.isWellFormed(), true);
  const emoji = "x" + "😀".repeat(SEARCH_FIELD_CHARS_MAX);
  assertEquals(searchDocument(note(emoji)).texts.content?.isWellFormed(), true);
  assertEquals(searchDocument(note("a\u0000b\u200D ①")).texts.content, "a b 1");
});

Deno.test("searchDocument() leaves out content that is not for people", () => {
  for (const kind of [3, 4, 6, 13, 16, 1_059, 9_735, 10_000, 19_999]) {
    assertEquals(searchDocument(note("xyz", { kind })).texts, {}, `kind ${kind}`);
  }
  for (const kind of [1, 7, 11, 1_111, 20_000, 30_023]) {
    assertEquals(searchDocument(note("xyz", { kind })).texts, { content: "xyz" }, `kind ${kind}`);
  }
});
