/**
 * The part of the suite about changes: additions, removals, repeats, bulks of any size and content.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */
import { assertEquals, assertNotEquals } from "@std/assert";
import { BULK_EVENTS_MAX } from "../limits.ts";
import { addition, ids, note, type SuiteCases } from "./search_test_fixture.ts";

const TAKEN = { retry: [], rejected: [] };

/** The cases by their names. */
export const writingCases: SuiteCases = {
  async "finds nothing in an empty index"(index) {
    assertEquals(await index.find("apple"), []);
    assertEquals(await index.find(""), []);
    assertEquals(await index.index.count(), 0);
    assertEquals(refusals(await index.apply([])), TAKEN);
  },

  async "removes events, and takes the removal of what is not there"(index) {
    const [kept, gone] = [note("apple"), note("apple")];
    await index.add(kept, gone);
    assertEquals(refusals(await index.remove(gone, note("never added"))), TAKEN);
    assertEquals(await index.find("apple"), ids(kept));
    assertEquals(await index.index.count(), 1);
    assertEquals(refusals(await index.remove(gone)), TAKEN);
  },

  async "ends where the changes end, whatever their order in a bulk"(index) {
    const [stays, goes] = [note("apple"), note("apple")];
    const add = (event: typeof stays, seq: number) => addition(seq, event);
    const remove = ({ id }: typeof stays, seq: number) => ({ type: "remove" as const, seq, id });
    const changes = [add(stays, 1), add(goes, 2), remove(stays, 3), remove(goes, 4), add(stays, 5)];
    assertEquals(refusals(await index.apply(changes)), TAKEN);
    assertEquals(await index.find("apple"), ids(stays));
  },

  async "takes repeats without a second copy"(index) {
    const events = [note("apple"), note("apple pie")];
    await index.add(...events);
    await index.add(...events, events[0]!);
    assertEquals(await index.index.count(), 2);
    assertEquals((await index.find("apple")).length, 2);
    await index.remove(events[0]!);
    assertEquals(await index.find("apple"), ids(events[1]!));
  },

  async "keeps its generation and its documents when it is prepared again"(index) {
    const found = note("apple");
    const before = await index.index.prepare();
    await index.add(found);
    await index.index.finishRebuild();
    assertEquals(await index.index.prepare(), before);
    assertNotEquals(before.generation, "");
    assertEquals(await index.find("apple"), ids(found));
  },

  async "takes events of any content"(index) {
    const odd = [
      note("\u0000\u0001\u001f control"),
      note("\uD800 lone \uDC00 surrogates"),
      note('"}\n{"delete":{"_id":"x"}}\n'),
      note("ﷺ".repeat(60_000)),
      note("x".repeat(200_000)),
      note("", { tags: Array.from({ length: 3_000 }, (_, i) => ["p", i.toString(16).padStart(64, "0")]) }),
      note("", { tags: [[], [""], ["t"], ["t", ""], ["t", "\uD800"], ["t", "y".repeat(50_000)]] }),
      note("", {
        created_at: Number.MAX_SAFE_INTEGER,
        kind: 65_535,
        tags: [["expiration", "999999999999999"]],
      }),
      note("", { created_at: 0 }),
    ];
    assertEquals(refusals(await index.add(...odd)), TAKEN);
    assertEquals(await index.index.count(), odd.length);
    assertEquals(await index.find("control"), ids(odd[0]!));
    assertEquals(await index.find("surrogates lone"), ids(odd[1]!));
    await index.remove(...odd);
    assertEquals(await index.index.count(), 0);
  },

  async "takes the largest bulk, and searches while the next one is written"(index) {
    const many = Array.from(
      { length: BULK_EVENTS_MAX },
      (_, i) => note(`apple number ${i} of lot ${i % 100}`),
    );
    assertEquals(refusals(await index.add(...many)), TAKEN);
    assertEquals(await index.index.count(), BULK_EVENTS_MAX);
    const writing = index.add(...Array.from({ length: 2_000 }, () => note("pear")));
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => index.find(`number ${i * 7}`)));
    answers.forEach((answer, i) => assertEquals(answer.includes(many[i * 7]!.id), true, `number ${i * 7}`));
    await writing;
    assertEquals((await index.find("pear", { limit: 5_000 })).length, 2_000);
    assertEquals((await index.find("lot 42", { limit: 5_000 })).length >= BULK_EVENTS_MAX / 100, true);
  },
};

function refusals({ retry, rejected }: { retry: readonly unknown[]; rejected: readonly unknown[] }) {
  return { retry, rejected };
}
