/** Tests of the indexer's memory: cursors of generations, dead letters, their common transaction. */
import { assertEquals, assertThrows } from "@std/assert";
import { DEAD_LETTERS_MAX } from "../limits.ts";
import { IndexState, openStateDatabase } from "./index_state.ts";

function inMemory(run: (state: IndexState) => void): void {
  const state = new IndexState(openStateDatabase(":memory:"));
  try {
    run(state);
  } finally {
    state.close();
  }
}

function letter(seq: number, reason = "because") {
  return { seq, id: seq.toString(16).padStart(64, "0"), reason, at: 1_000 };
}

Deno.test("IndexState counts a cursor for its follower and generation only", () => {
  inMemory((state) => {
    state.advance({ follower: "search", generation: "a", seq: 5 });
    state.advance({ follower: "search", generation: "a", seq: 8 });
    assertEquals(state.cursors.seqOf("search", "a"), 8);
    assertEquals(state.cursors.seqOf("search", "b"), 0);
    assertEquals(state.cursors.seqOf("trends", "a"), 0);
    state.advance({ follower: "search", generation: "b", seq: Number.MAX_SAFE_INTEGER });
    assertEquals(state.cursors.seqOf("search", "b"), Number.MAX_SAFE_INTEGER);
    assertEquals(state.cursors.seqOf("search", "a"), 8);
  });
});

Deno.test("IndexState forgets cursors that are ahead of a log which lost its end, and no others", () => {
  inMemory((state) => {
    state.advance({ follower: "search", generation: "a", seq: 5 });
    state.advance({ follower: "search", generation: "b", seq: 6 });
    assertEquals(state.cursors.forgetBeyond(6), false);
    assertEquals(state.cursors.forgetBeyond(5), true);
    assertEquals([state.cursors.seqOf("search", "a"), state.cursors.seqOf("search", "b")], [5, 0]);
  });
});

Deno.test("IndexState returns dead letters newest first, each change once", () => {
  inMemory((state) => {
    const cursor = { follower: "search", generation: "a", seq: 3 };
    state.advance(cursor, [letter(1), letter(2)]);
    state.advance(cursor, [letter(1, "again")]);
    assertEquals(state.deadLetterCount(), 2);
    assertEquals(state.deadLetters(10), [letter(1, "again"), letter(2)]);
    assertEquals(state.deadLetters(1), [letter(1, "again")]);
  });
});

Deno.test("IndexState keeps the last DEAD_LETTERS_MAX dead letters", () => {
  inMemory((state) => {
    const cursor = { follower: "search", generation: "a", seq: 3 };
    state.advance(cursor, Array.from({ length: DEAD_LETTERS_MAX }, (_, seq) => letter(seq)));
    assertEquals(state.deadLetterCount(), DEAD_LETTERS_MAX);
    state.advance(cursor, [letter(DEAD_LETTERS_MAX), letter(DEAD_LETTERS_MAX + 1)]);
    assertEquals(state.deadLetterCount(), DEAD_LETTERS_MAX);
    assertEquals(state.deadLetters(1)[0]!.seq, DEAD_LETTERS_MAX + 1);
  });
});

Deno.test("IndexState stores nothing of a transaction that throws, and works on", () => {
  inMemory((state) => {
    const cursor = { follower: "search", generation: "a", seq: 3 };
    assertThrows(() => state.advance(cursor, [letter(1), { ...letter(2), seq: 0.5 }]));
    assertEquals(state.cursors.seqOf("search", "a"), 0);
    assertEquals(state.deadLetterCount(), 0);
    state.advance(cursor, [letter(1)]);
    assertEquals(state.cursors.seqOf("search", "a"), 3);
  });
});

Deno.test("IndexState remembers over a restart", () => {
  const path = Deno.makeTempFileSync({ suffix: ".db" });
  const before = new IndexState(openStateDatabase(path));
  before.advance({ follower: "search", generation: "a", seq: 3 }, [letter(2)]);
  before.close();
  before.close();
  const after = new IndexState(openStateDatabase(path));
  assertEquals(after.cursors.seqOf("search", "a"), 3);
  assertEquals(after.deadLetters(10), [letter(2)]);
  after.close();
  Deno.removeSync(path);
});
