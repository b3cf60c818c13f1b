/**
 * The part of the suite about words: what a text finds in any language, and that no text is a mistake.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { SEARCH_BYTES_MAX } from "../limits.ts";
import { ids, type IndexUnderTest, note, profile, type SuiteCases } from "./search_test_fixture.ts";

/** The cases by their names. */
export const textCases: SuiteCases = {
  async "wants all terms, in any order"(index) {
    const both = note("The quick brown fox");
    await index.add(both, note("a quick answer"), note("a brown bear"));
    assertEquals(await index.find("brown QUICK"), ids(both));
    assertEquals(await index.find("brown slow"), []);
    assertEquals(await index.find('quick brown language:en domain:"a b" unknown:thing'), ids(both));
  },

  async "wants a quoted phrase as it stands"(index) {
    const found = note("a lightning wallet for everyone");
    await index.add(found, note("a wallet hit by lightning"));
    assertEquals(await index.find('"lightning wallet"'), ids(found));
    assertEquals(await index.find('everyone "a lightning wallet"'), ids(found));
    assertEquals(await index.find('"wallet lightning"'), []);
  },

  async "finds parts of addresses, and addresses"(index) {
    const found = note(
      "see https://relay.example.com/some_path?x=1 and don't forget jack@cash.app or #introductions",
    );
    await index.add(found, note("see app cash example relay"));
    const texts = [
      "https://relay.example.com",
      "some_path",
      "path",
      "jack",
      "cash.app",
      "don't",
      "#introductions",
    ];
    for (const text of [...texts, "introductions", "jack@cash.app", '"relay example"']) {
      assertEquals(await index.find(text), ids(found), text);
    }
  },

  async "ignores case, accents and width"(index) {
    const found = note(
      "Crème brûlée, Straße, Øresund, Łódź, ＦＵＬＬ ｗｉｄｔｈ, ﬁne, ПРИВЕТ, Ελλάδα, e\u0301tude",
    );
    await index.add(found, note("something else"));
    const texts = [
      "creme",
      "BRULEE",
      "strasse",
      "straße",
      "oresund",
      "lodz",
      "full width",
      "fine",
      "привет",
      "étude",
    ];
    for (const text of [...texts, "etude", "ελλάδα", "ＣＲＥＭＥ"]) {
      assertEquals(await index.find(text), ids(found), text);
    }
  },

  async "finds Chinese, Japanese and Korean words inside a run"(index) {
    const japanese = note("東京都で検索エンジンを作るﾃﾞｰﾀﾍﾞｰｽ、英語はrelayです");
    const chinese = note("去中心化的社交网络很有意思");
    const korean = note("탈중앙화된 소셜 네트워크입니다");
    await index.add(japanese, chinese, korean);
    await expectEach(index, japanese, [
      "東京",
      "京都",
      "検索エンジン",
      "データベース",
      "京",
      "relay",
      "英語はrelay",
      "検索 東京都",
    ]);
    await expectEach(index, chinese, ["社交", "去中心化", "网络很", "思", '"社交网络"']);
    await expectEach(index, korean, [
      "네트워크",
      "소셜",
      "중앙",
      '"소셜, 네트워크"',
      "소셜 네트워크",
      '"소셜 네트워크"',
    ]);
    for (const text of ["京東", "社网", "중탈", "東都", '"네트워크 소셜"']) {
      assertEquals(await index.find(text), [], text);
    }
  },

  async "finds other scripts and pictographs"(index) {
    const found = note("हिन्दी में संदेश, שלום עולם, مرحبا بالعالم, สวัสดี ชาวโลก, 🔥🔥 ❤️ 👍🏽 ١٢٣");
    await index.add(found, note("something else"));
    await expectEach(index, found, ["हिन्दी", "संदेश", "שלום", "مرحبا", "สวัสดี", "🔥", "❤", "❤️", "👍", "١٢٣"]);
  },

  async "takes any text for a search"(index) {
    const found = note("apple OR pear NOT col:umn NEAR* (brackets)");
    await index.add(found, note("something else"));
    const searches = [
      '"',
      '""',
      "apple AND",
      "OR pear",
      "NOT",
      'apple"',
      "(brackets",
      "{apple}",
      "apple*",
      "^apple",
      "-apple",
    ];
    for (
      const text of [
        ...searches,
        "apple + pear",
        "content:",
        "apple\\",
        "'; DROP TABLE document; --",
        "NEAR(apple pear)",
      ]
    ) {
      await index.find(text);
    }
    const hostile = [
      "\u0000",
      "apple\u0000pear",
      "\uD800",
      "*:*",
      "/.*/",
      "[* TO *]",
      '\\"',
      "$where",
      '{"match_all":{}}',
    ];
    for (const text of hostile) await index.find(text);
    for (const text of ['apple"', "(apple", "apple*", "^apple", "-apple", "apple \u0000 pear", "NOT apple"]) {
      assertEquals(await index.find(text), ids(found), text);
    }
    for (const text of ["!!!", "( )", "***", '"..."']) assertEquals(await index.find(text), [], text);
  },

  async "takes the longest text"(index) {
    const found = note("a b c d e f");
    await index.add(found);
    assertEquals(
      await index.find("a b c d e f ".repeat(SEARCH_BYTES_MAX).slice(0, SEARCH_BYTES_MAX)),
      ids(found),
    );
    for (const long of ["x", "日", "日本語 ", '"a" ', "🔥", "é-", "\u{1F1E9}"]) {
      await index.find(long.repeat(SEARCH_BYTES_MAX).slice(0, SEARCH_BYTES_MAX));
    }
  },

  async "finds profiles by name, display name, address and description"(index) {
    const jack = profile({
      name: "jack",
      display_name: "Jack ⚡ Café",
      nip05: "jack@cash.app",
      about: "bitcoin and chill",
    });
    const odd = profile({ name: 5, about: ["x"], display_name: null });
    const broken = note("{name: not json, picture}", { kind: 0 });
    await index.add(jack, odd, broken, note("null", { kind: 0 }), note('"text"', { kind: 0 }));
    await expectEach(index, jack, [
      "jack",
      "cafe",
      "jack@cash.app",
      "chill",
      '"bitcoin and chill"',
      "jack chill",
    ]);
    for (const text of ["display_name", "nip05", "picture", "null"]) {
      assertEquals(await index.find(text), [], text);
    }
    assertEquals((await index.find("", { kinds: [0] })).length, 5);
  },

  async "finds titles, summaries and hashtags of articles, and no text that is not for people"(index) {
    const tags = [["title", "Outbox"], ["summary", "relays of others"], ["t", "gossip"], ["image", "hidden"]];
    const article = note("long text", { kind: 30_023, tags });
    const wrapped = note("ciphertext", { kind: 1_059 });
    const list = note("ciphertext", { kind: 10_000 });
    await index.add(article, wrapped, list, note('{"content":"ciphertext"}', { kind: 6 }));
    await expectEach(index, article, ["outbox", "others", "gossip", "long outbox"]);
    assertEquals(await index.find("hidden"), []);
    assertEquals(await index.find("ciphertext"), []);
  },
};

async function expectEach(index: IndexUnderTest, event: ReturnType<typeof note>, texts: readonly string[]) {
  for (const text of texts) assertEquals(await index.find(text), ids(event), text);
}
