/** Tests of the form in which texts reach SQLite's tokenizer, and of clauses as FTS5 phrases. */
import { assertEquals, assertMatch } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { indexedWords, matchPhrase, TOKENIZER } from "./words.ts";

/** What the tokenizer makes of a text, in its order. */
function tokens(text: string): string[] {
  const db = new DatabaseSync(":memory:");
  db.exec(`CREATE VIRTUAL TABLE t USING fts5 (c, tokenize = "${TOKENIZER}")`);
  db.exec("CREATE VIRTUAL TABLE v USING fts5vocab (t, instance)");
  db.prepare("INSERT INTO t VALUES (?)").run(indexedWords(text));
  const rows = db.prepare("SELECT term FROM v ORDER BY offset").all();
  db.close();
  return rows.map((row) => row.term as string);
}

Deno.test("indexedWords() gives each CJK character the position of one word", () => {
  assertEquals(tokens("日本語 text"), ["日本", "本語", "語", "text"]);
  assertEquals(tokens("a日b"), ["a", "日", "b"]);
  assertEquals(tokens("안녕"), ["안녕", "녕"]);
  assertEquals(tokens("𠮷野家"), ["𠮷野", "野家", "家"]);
});

Deno.test("indexedWords() folds case, accents and Latin letters of their own", () => {
  assertEquals(tokens("Crème ŁÓDŹ Straße Æon İstanbul"), ["creme", "lodz", "strasse", "aeon", "istanbul"]);
});

Deno.test("indexedWords() keeps vowel signs in their words and pictographs apart", () => {
  assertEquals(tokens("हिन्दी में"), ["हिन्दी", "में"]);
  assertEquals(tokens("gm🔥🔥ok"), ["gm", "🔥", "🔥", "ok"]);
});

Deno.test("matchPhrase() asks for a run's pairs, and for one character by prefix", () => {
  assertEquals(matchPhrase({ text: "日本語", cjk: true }), '"日本 本語"');
  assertEquals(matchPhrase({ text: "日", cjk: true }), '"日"*');
  assertEquals(matchPhrase({ text: "日本 text", cjk: false }), '"日本 本 text"');
  assertEquals(matchPhrase({ text: "text 日", cjk: false }), '"text 日"*');
});

Deno.test("matchPhrase() lets nothing of FTS5's syntax through", () => {
  for (
    const text of ['a" OR "b', "a*", "{c}: a", "a NEAR(b)", "^a", "a + b", '""a', "a\u0000b", "a'b", "(a"]
  ) {
    assertMatch(matchPhrase({ text, cjk: false })!, /^"[\p{L}\p{N} ]+"$/u, text);
  }
  assertEquals(matchPhrase({ text: '"*"', cjk: false }), null);
});
