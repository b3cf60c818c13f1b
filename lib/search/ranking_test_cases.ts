/**
 * The part of the suite about order: best first, ties newest first, the limit after both.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { SEARCH_HITS_MAX } from "../limits.ts";
import { ids, note, profile, type SuiteCases } from "./search_test_fixture.ts";

/** The cases by their names. */
export const rankingCases: SuiteCases = {
  async "ranks a note that is about the word before one that mentions it"(index) {
    const about = note("bitcoin bitcoin bitcoin");
    const mention = note("a long walk in the park, some coffee, a little rain, and at the end one bitcoin");
    await index.add(about, mention, ...unrelated(10));
    assertEquals(await index.find("bitcoin"), ids(about, mention));
  },

  async "ranks equal matches newest first, then by the lowest id"(index) {
    const older = note("the same words");
    const newer = note("the same words");
    const twin = note("the same words", { created_at: newer.created_at });
    await index.add(twin, older, newer, ...unrelated(3));
    assertEquals(await index.find("words"), ids(newer, twin, older));
  },

  async "applies the limit after ranking"(index) {
    const best = note("zebra zebra zebra zebra");
    const others = Array.from(
      { length: 50 },
      () => note("somewhere in this long line there is a zebra, far away"),
    );
    await index.add(best, ...others, ...unrelated(60));
    assertEquals(await index.find("zebra", { limit: 1 }), ids(best));
    assertEquals((await index.find("zebra", { limit: 7 })).length, 7);
    assertEquals(await index.find("zebra", { limit: 0 }), []);
  },

  async "takes a limit beyond its bound"(index) {
    const found = note("zebra");
    await index.add(found);
    assertEquals(await index.find("zebra", { limit: SEARCH_HITS_MAX + 1 }), ids(found));
  },

  async "ranks a profile of the name before notes that mention it"(index) {
    const mention = note("I met satoshi yesterday");
    const named = profile({
      name: "satoshi",
      about: "nobody knows, and this is a rather long text about that",
    });
    const others = ["ann", "bob", "carol", "dave", "erin"].map((name) => profile({ name }));
    await index.add(named, mention, ...others, ...unrelated(5));
    assertEquals(await index.find("satoshi"), ids(named, mention));
  },

  async "ranks an article with the word in its title before one with the word in its text"(index) {
    const inTitle = note("about keys and relays", { kind: 30_023, tags: [["title", "Outbox explained"]] });
    const inText = note("about the outbox and keys", { kind: 30_023, tags: [["title", "Relays explained"]] });
    const others = ["Keys", "Zaps", "Lists"].map((title) =>
      note("", { kind: 30_023, tags: [["title", title]] })
    );
    await index.add(inTitle, inText, ...others, ...unrelated(5));
    assertEquals(await index.find("outbox"), ids(inTitle, inText));
  },

  async "ranks a reaction after a note of the same text"(index) {
    const said = note("magnificent");
    const reaction = note("magnificent", { kind: 7 });
    await index.add(said, reaction, ...unrelated(5));
    assertEquals(await index.find("magnificent"), ids(said, reaction));
  },

  async "returns newest first where sort:new asks for it, or an order that begins with time"(index) {
    const best = note("zebra zebra zebra");
    const middle = note("a zebra, and more words");
    const newest = note("somewhere in this long line there is a zebra, far away");
    await index.add(newest, best, middle, ...unrelated(5));
    const byTime = ids(newest, middle, best).toSorted().toReversed();
    assertEquals((await index.find("zebra")).at(0), best.id);
    assertEquals((await index.find("zebra sort:top")).at(0), best.id);
    for (const order of ["new", "NEW", "hot", "rising"]) {
      assertEquals(await index.find(`zebra sort:${order}`), byTime, order);
      assertEquals(await index.find(`sort:${order} zebra`, { limit: 2 }), byTime.slice(0, 2), order);
    }
    assertEquals((await index.find("zebra sort:nonsense")).at(0), best.id);
  },

  async "returns newest first where the text has no words"(index) {
    const events = [note("one"), note("two"), note("three")];
    await index.add(...events);
    assertEquals(await index.find(""), ids(...events.toReversed()));
    assertEquals(await index.find("include:spam", { limit: 2 }), ids(events[2]!, events[1]!));
  },
};

/** Notes without any of the suite's words: rarity is part of a score. */
function unrelated(count: number) {
  return Array.from({ length: count }, (_, i) => note(`nothing to see here, number ${i}`));
}
