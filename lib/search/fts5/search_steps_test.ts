/** Tests of how much a step of a search looks at, and that searches in steps find what one walk would. */
import { assert, assertEquals } from "@std/assert";
import { SEARCH_PART_CHARS_MAX, SEARCH_PART_DOCUMENTS_MAX, SEARCH_STEP_DOCUMENTS } from "../../limits.ts";
import type { Filter } from "../../nostr/filter.ts";
import { openStateDatabase } from "../index_state.ts";
import type { IndexChange } from "../search_index.ts";
import { Fts5Index } from "./fts5_index.ts";
import { partsOf } from "./parts.ts";
import { searchSteps } from "./search_steps.ts";
import { Statements } from "./statements.ts";
import { SearchTurns } from "./turns.ts";

const DOCUMENTS = 2 * SEARCH_PART_DOCUMENTS_MAX + 100;
const AT_ONCE = 2_000;

/** A document whose every word is in all others too, but for its number. */
function change(n: number, content = `the note about it number${n}`): IndexChange {
  const id = n.toString(16).padStart(64, "0");
  const document = {
    id,
    pubkey: "1".repeat(64),
    kind: 1,
    // Ten of a second.
    created_at: 1_000 + Math.floor(n / 10),
    expires_at: 0,
    tags: [],
    texts: { content },
    language: "en",
    sentiment: "" as const,
    isSpam: false,
    isSensitive: false,
  };
  return { type: "add", seq: n, id, document };
}

/** An index of so many documents, and how it is searched, step by step. */
async function withIndex(
  changes: readonly IndexChange[],
  test: (
    search: (filter: Partial<Filter>) => { ids: string[]; steps: number[] },
    index: Fts5Index,
    statements: Statements,
  ) => void | Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "sluice-steps-" });
  const index = new Fts5Index(`${directory}/search.db`);
  await index.prepare();
  for (let at = 0; at < changes.length; at += AT_ONCE) await index.apply(changes.slice(at, at + AT_ONCE));
  const statements = new Statements(openStateDatabase(`${directory}/search.db`));
  try {
    await test(
      (filter) => {
        const all = searchSteps(statements, { filter: { tags: [], limit: 10, ...filter }, now: 2_000 });
        const steps: number[] = [];
        let step = all.next();
        for (; !step.done; step = all.next()) steps.push(step.value);
        return { ids: step.value, steps };
      },
      index,
      statements,
    );
  } finally {
    statements.db.close();
    await index.close();
    await Deno.remove(directory, { recursive: true });
  }
}

const idOf = (n: number) => n.toString(16).padStart(64, "0");
const all = Array.from({ length: DOCUMENTS }, (_, n) => change(n));

Deno.test("no step of a search looks at more documents than a part has, or than a step may", async () => {
  await withIndex(all, (search, _, statements) => {
    assertEquals(partsOf(statements.db).map(({ documents }) => documents), [
      100,
      SEARCH_PART_DOCUMENTS_MAX,
      SEARCH_PART_DOCUMENTS_MAX,
    ]);
    const words = search({ search: "the note about", authors: ["f".repeat(64)] });
    assertEquals(words, { ids: [], steps: [100, SEARCH_PART_DOCUMENTS_MAX, SEARCH_PART_DOCUMENTS_MAX] });
    const none = search({ search: "include:spam", authors: ["f".repeat(64)] });
    assertEquals(none.ids, []);
    assertEquals(none.steps, none.steps.map(() => SEARCH_STEP_DOCUMENTS));
    assertEquals(none.steps.length, Math.ceil(DOCUMENTS / SEARCH_STEP_DOCUMENTS));
  });
});

Deno.test("a search over several parts finds the best of all, and without words the newest", async () => {
  await withIndex([...all, change(DOCUMENTS, "note note note")], (search) => {
    assertEquals(search({ search: "number5" }).ids, [idOf(5)]);
    assertEquals(search({ search: `number${SEARCH_PART_DOCUMENTS_MAX + 5}` }).ids, [
      idOf(SEARCH_PART_DOCUMENTS_MAX + 5),
    ]);
    // Of one second the lowest ids come first: the last second has five documents.
    const last = Math.floor(DOCUMENTS / 10) * 10;
    const newest = [last, last - 10].flatMap((second) => [0, 1, 2, 3, 4].map((n) => second + n));
    assertEquals(search({ search: "include:spam" }).ids, newest.map(idOf));
    assertEquals(search({ search: "the", until: 1_000 }).ids.length, 10);
    assertEquals(search({ search: "language:en", until: 1_001, since: 1_001, limit: 20 }).ids, [
      ...Array.from({ length: 10 }, (_, n) => idOf(10 + n)),
    ]);
    const many = "the note about it number7 the note about it";
    assertEquals(search({ search: many }).ids, [idOf(7)]);
  });
});

Deno.test("a document leaves the part that it is in, and long ones make parts short", async () => {
  const long = "long ".repeat(60_000 / 5);
  const count = Math.ceil(1.5 * SEARCH_PART_CHARS_MAX / long.length);
  const changes = Array.from({ length: count }, (_, n) => change(n, `${long} number${n}`));
  await withIndex(changes, async (search, index, statements) => {
    const parts = partsOf(statements.db);
    assertEquals(parts.length, 2);
    for (const { characters } of parts) assert(characters <= SEARCH_PART_CHARS_MAX, `${characters}`);
    for (const n of [0, count - 1]) {
      assertEquals(search({ search: `number${n}` }).ids, [idOf(n)]);
      await index.apply([{ type: "remove", seq: count + n, id: idOf(n) }]);
      assertEquals(search({ search: `number${n}` }).ids, []);
    }
  });
});

Deno.test("steps of searches that run at once take turns, with other work after each", async () => {
  const order: string[] = [];
  const turns = new SearchTurns(() => {
    order.push("other work");
    return Promise.resolve();
  });
  const search = async (name: string) => {
    for (let n = 0; n < 2; n++) await turns.next(() => order.push(name));
  };
  await Promise.all([search("a"), search("b")]);
  assertEquals(order, ["a", "other work", "b", "other work", "a", "other work", "b", "other work"]);
});
