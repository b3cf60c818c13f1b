/**
 * The part of the suite about NIP-01's filter keys beside a text, and about expiration (NIP-40).
 * Runs on a test's thread; holds no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { FILTER_VALUES_MAX } from "../limits.ts";
import { ids, note, NOW, type SuiteCases } from "./search_test_fixture.ts";

const ALICE = "a".repeat(64);
const BOB = "b".repeat(64);

/** The cases by their names. */
export const filterCases: SuiteCases = {
  async "filters by ids, authors and kinds"(index) {
    const first = note("apple", { pubkey: ALICE, kind: 1 });
    const second = note("apple", { pubkey: BOB, kind: 1111 });
    const third = note("pear", { pubkey: ALICE, kind: 1 });
    await index.add(first, second, third);
    assertEquals(await index.find("apple", { ids: ids(first, third) }), ids(first));
    assertEquals(await index.find("apple", { authors: [BOB] }), ids(second));
    assertEquals(await index.find("apple", { authors: [ALICE, BOB] }), ids(second, first));
    assertEquals(await index.find("apple", { kinds: [1111, 4] }), ids(second));
    assertEquals(await index.find("apple", { kinds: [0] }), []);
    assertEquals(await index.find("", { authors: [ALICE] }), ids(third, first));
  },

  async "filters by since and until, both included"(index) {
    const events = [100, 200, 300].map((created_at) => note("apple", { created_at }));
    await index.add(...events);
    assertEquals(await index.find("apple", { since: 200 }), ids(events[2]!, events[1]!));
    assertEquals(await index.find("apple", { until: 200 }), ids(events[1]!, events[0]!));
    assertEquals(await index.find("apple", { since: 200, until: 200 }), ids(events[1]!));
    assertEquals(
      await index.find("apple", { since: -5, until: Number.MAX_SAFE_INTEGER, limit: 1 }),
      ids(events[2]!),
    );
    assertEquals(await index.find("apple", { since: 201, until: 200 }), []);
  },

  async "filters by tags: any value of a letter, every letter"(index) {
    const red = note("apple", { tags: [["t", "red"], ["e", ALICE, "wss://relay"]] });
    const green = note("apple", { tags: [["t", "green"], ["T", "red"], ["t", "green"]] });
    await index.add(red, green);
    const tag = (letter: string, ...values: string[]) => ({ letter, values });
    assertEquals(await index.find("apple", { tags: [tag("t", "red")] }), ids(red));
    assertEquals(await index.find("apple", { tags: [tag("T", "red")] }), ids(green));
    assertEquals(await index.find("", { tags: [tag("t", "red", "green")] }), ids(green, red));
    assertEquals(await index.find("apple", { tags: [tag("t", "red", "green"), tag("e", ALICE)] }), ids(red));
    assertEquals(await index.find("apple", { tags: [tag("e", "wss://relay")] }), []);
    assertEquals(await index.find("apple", { tags: [tag("t", "Red")] }), []);
  },

  async "leaves out what its author warns of, where nsfw:false asks for it"(index) {
    const plain = note("apple");
    const warned = note("apple", { tags: [["content-warning", "apples"]] });
    const unexplained = note("apple", { tags: [["content-warning"]] });
    const hashtag = note("apple", { tags: [["t", "NSFW"]] });
    const harmless = note("apple", { tags: [["t", "sensitive"], ["x", "content-warning"]] });
    await index.add(plain, warned, unexplained, hashtag, harmless);
    const all = ids(plain, warned, unexplained, hashtag, harmless).sort();
    assertEquals((await index.find("apple")).toSorted(), all);
    assertEquals((await index.find("apple nsfw:true")).toSorted(), all);
    assertEquals((await index.find("apple nsfw:false")).toSorted(), ids(plain, harmless).sort());
    assertEquals(await index.find("nsfw:false"), ids(harmless, plain));
  },

  async "finds events of one language, by their label or by their text"(index) {
    const english = note("The apple that fell from the tree was green and quite small");
    const german = note("Der Apfel, der vom Baum gefallen ist, war grün: apple auf Englisch");
    const labelled = note("The apple that fell from the tree was green", {
      tags: [["L", "ISO-639-1"], ["l", "de", "ISO-639-1"]],
    });
    const unknown = note("apple");
    await index.add(english, german, labelled, unknown);
    assertEquals(await index.find("apple language:en"), ids(english));
    assertEquals((await index.find("apple language:DE")).toSorted(), ids(german, labelled).toSorted());
    assertEquals(await index.find("language:de"), ids(labelled, german));
    assertEquals(await index.find("language:fr"), []);
    assertEquals((await index.find("apple language:german")).length, 4, "a value that is no code is ignored");
  },

  async "finds events of one sentiment"(index) {
    const glad = note("What a wonderful apple, I love it and I am so happy today");
    const sad = note("This apple is terrible, I hate it, the worst that I ever had");
    const plain = note("There is an apple on the table beside the other things");
    const foreign = note("Dieser Apfel ist wunderbar, und alle Leute freuen sich darüber: apple");
    await index.add(glad, sad, plain, foreign);
    assertEquals(await index.find("apple sentiment:positive"), ids(glad));
    assertEquals(await index.find("apple sentiment:negative"), ids(sad));
    assertEquals(await index.find("apple sentiment:neutral"), ids(plain));
    assertEquals(await index.find("sentiment:Positive"), ids(glad));
    assertEquals(
      (await index.find("apple sentiment:mixed")).length,
      4,
      "a value without a meaning is ignored",
    );
  },

  async "leaves out spam unless include:spam asks for it"(index) {
    const plain = note("apple");
    const tags = Array.from({ length: 30 }, (_, i) => ["t", `tag${i}`]);
    const spam = note("apple! Double your bitcoin now", { tags });
    await index.add(plain, spam);
    assertEquals(await index.find("apple"), ids(plain));
    assertEquals(await index.find(""), ids(plain));
    assertEquals((await index.find("apple include:spam")).toSorted(), ids(plain, spam).toSorted());
    assertEquals(await index.find("include:spam"), ids(spam, plain));
    assertEquals(await index.find("apple include:everything"), ids(plain));
  },

  async "joins extensions by AND"(index) {
    const text = "What a wonderful apple, I love it and I am so happy today";
    const found = note(text);
    const warned = note(text, { tags: [["content-warning"]] });
    await index.add(found, warned, note("apple"));
    const search = "apple language:en sentiment:positive nsfw:false foo:bar";
    assertEquals(await index.find(search), ids(found));
    assertEquals(await index.find(`${search} sort:new "wonderful apple"`), ids(found));
    assertEquals(await index.find(`${search} "apple wonderful"`), []);
  },

  async "takes a tag's value as it is, whatever is in it"(index) {
    const values = [
      'a "quoted" value',
      "x:y",
      "a,b",
      "日本",
      " ",
      "",
      "*",
      "' OR 1=1 --",
      "x".repeat(1_024),
      "\u0000",
    ];
    const events = values.map((value) => note("apple", { tags: [["d", value]] }));
    await index.add(...events);
    for (const [i, value] of values.entries()) {
      assertEquals(
        await index.find("apple", { tags: [{ letter: "d", values: [value] }] }),
        ids(events[i]!),
        value,
      );
    }
  },

  async "finds nothing where a list is empty"(index) {
    await index.add(note("apple"));
    assertEquals(await index.find("apple", { ids: [] }), []);
    assertEquals(await index.find("apple", { authors: [] }), []);
    assertEquals(await index.find("apple", { kinds: [] }), []);
    assertEquals(await index.find("apple", { tags: [{ letter: "t", values: [] }] }), []);
  },

  async "takes the longest lists that a filter may have"(index) {
    const found = note("apple", { pubkey: BOB });
    await index.add(found);
    const many = Array.from({ length: FILTER_VALUES_MAX - 1 }, (_, i) => i.toString(16).padStart(64, "0"));
    assertEquals(await index.find("apple", { authors: [...many, BOB] }), ids(found));
    assertEquals(await index.find("apple", { ids: [...many, found.id] }), ids(found));
    assertEquals(await index.find("apple", { kinds: [...many.keys()] }), ids(found));
    assertEquals(await index.find("apple", { tags: [{ letter: "t", values: many }] }), []);
  },

  async "leaves out what has expired at the moment of the search"(index) {
    const lasting = note("apple", { tags: [["expiration", "soon"]] });
    const passing = note("apple", { tags: [["expiration", String(NOW)]] });
    await index.add(lasting, passing);
    assertEquals(await index.find("apple", {}, NOW - 1), ids(passing, lasting));
    assertEquals(await index.find("apple", {}, NOW), ids(lasting));
    assertEquals(await index.find("", {}, NOW), ids(lasting));
  },
};
