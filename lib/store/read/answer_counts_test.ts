/** Tests of what counts as an answer, and how much. */
import { assert, assertEquals } from "@std/assert";
import { memoryStore } from "../../../tests/support/memory_store.ts";
import { SCAN_ROW_CHARS, SORT_ANSWERS_MAX, SORT_ANSWERS_ROWS_MAX } from "../../limits.ts";
import type { NostrEvent } from "../../nostr/event.ts";
import { AnswerCounts, type AnswerOptions } from "./answer_counts.ts";

const NOW = 1_700_000_000;
let made = 0;

function event(author: number, kind: number, tags: string[][], created_at = NOW): NostrEvent {
  return {
    // The first digits are the key that the store tells events apart by.
    id: (++made).toString(16).padStart(13, "0").padEnd(64, "f"),
    pubkey: author.toString(16).padStart(64, "0"),
    created_at,
    kind,
    tags,
    content: "",
    sig: "0".repeat(128),
  };
}

function storeOf(...events: NostrEvent[]): AnswerCounts {
  return new AnswerCounts(memoryStore(...events));
}

/** Points, and the points of the last hour. */
function pointsOf(answers: NostrEvent[], target: NostrEvent): [number, number] {
  const { points, recentPoints } = storeOf(target, ...answers).of(target, { since: NOW - 3_600, now: NOW });
  return [points, recentPoints];
}

Deno.test("AnswerCounts gives replies and reposts two points, reactions and zap receipts one", () => {
  const target = event(1, 1, []);
  const e = [["e", target.id]];
  for (
    const [kind, points] of [[1, 2], [1_111, 2], [6, 2], [16, 2], [7, 1], [9_735, 1], [1_984, 0], [5, 0]]
  ) {
    assertEquals(pointsOf([event(2, kind!, e)], target), [points, points], `kind ${kind}`);
  }
  assertEquals(pointsOf([event(2, 7, [["e", "0".repeat(64)]]), event(2, 7, [["q", target.id]])], target), [
    0,
    0,
  ]);
});

Deno.test("AnswerCounts counts an author once for each way to answer, receipts each, and no self", () => {
  const target = event(1, 1, []);
  const e = [["e", target.id]];
  assertEquals(pointsOf([event(2, 7, e), event(2, 7, e), event(3, 7, e)], target), [2, 2]);
  assertEquals(pointsOf([event(2, 1, e), event(2, 1_111, e), event(2, 7, e), event(2, 6, e)], target), [
    5,
    5,
  ]);
  assertEquals(pointsOf([event(2, 9_735, e), event(2, 9_735, e)], target), [2, 2]);
  assertEquals(pointsOf([event(1, 1, e), event(1, 7, e)], target), [0, 0]);
});

Deno.test("AnswerCounts tells recent points from all", () => {
  const target = event(1, 1, [], NOW - 10_000);
  const e = [["e", target.id]];
  const answers = [event(2, 7, e, NOW - 3_600), event(3, 7, e, NOW - 3_601), event(4, 6, e, NOW + 5)];
  assertEquals(pointsOf(answers, target), [4, 3]);
});

Deno.test("AnswerCounts counts the answers to an address, whatever version they saw", () => {
  const article = event(1, 30_023, [["d", "x"]]);
  const a = ["a", `30023:${article.pubkey}:x`];
  const answers = [event(2, 7, [a, ["e", "9".repeat(64)]]), event(3, 7, [["e", article.id]])];
  assertEquals(pointsOf(answers, article), [1, 1]);
});

Deno.test("AnswerCounts looks at a bounded number of answers, the newest", () => {
  const target = event(1, 1, [], 0);
  const e = [["e", target.id]];
  const flood = Array.from({ length: SORT_ANSWERS_MAX }, (_, i) => event(10 + i, 7, e, NOW - i));
  const { points, rows } = storeOf(target, event(2, 7, e, 1), ...flood).of(target, { since: NOW, now: NOW });
  assertEquals([points, rows], [SORT_ANSWERS_MAX, SORT_ANSWERS_MAX]);
});

Deno.test("AnswerCounts leaves out what has expired, and what who asks may not know of", () => {
  const target = event(1, 1, []);
  const e = ["e", target.id];
  const answers = [event(2, 7, [e]), event(3, 7, [e, ["expiration", `${NOW + 60}`]]), event(4, 1, [e])];
  const counts = storeOf(target, ...answers);
  const points = (options: Partial<AnswerOptions>) =>
    counts.of(target, { since: 0, now: NOW, ...options }).points;
  assertEquals(points({}), 4);
  assertEquals(points({ now: NOW + 60 }), 3);
  assertEquals(points({ mayRead: (text) => !text.includes(answers[2]!.id) }), 2);
});

Deno.test("AnswerCounts reads the texts of answers that would count, and is charged for each", () => {
  const target = event(1, 1, []);
  const e = ["e", target.id];
  const long = "x".repeat(2 * SCAN_ROW_CHARS);
  const answers = [
    event(2, 7, [e]),
    event(2, 7, [e]),
    event(1, 1, [e]),
    event(3, 4, [e]),
    event(3, 1, [e, ["expiration", `${NOW}`]]),
    { ...event(4, 1, [e]), content: long },
  ];
  let reads = 0;
  const mayRead = () => ++reads > 0;
  const counted = storeOf(target, ...answers).of(target, { since: 0, now: NOW, mayRead });
  assertEquals([counted.points, reads, counted.rows], [3, 2, answers.length + 2]);
});

Deno.test("AnswerCounts ends when long texts have used up its rows, shown or not", () => {
  const target = event(1, 1, []);
  const each = SORT_ANSWERS_ROWS_MAX / 10;
  const content = "x".repeat(each * SCAN_ROW_CHARS);
  const answers = Array.from({ length: 30 }, (_, n) => ({ ...event(2 + n, 7, [["e", target.id]]), content }));
  const counts = storeOf(target, ...answers);
  for (const isShown of [true, false]) {
    let reads = 0;
    const mayRead = () => (reads++, isShown);
    const { points, rows } = counts.of(target, { since: 0, now: NOW, mayRead });
    assertEquals([points, reads], [isShown ? 10 : 0, 10]);
    assert(rows >= SORT_ANSWERS_ROWS_MAX && rows < SORT_ANSWERS_ROWS_MAX + 2 * each, `${rows} rows`);
  }
});

Deno.test("AnswerCounts looks at no more rows where many have expired, and counts the rows of other kinds", () => {
  const target = event(1, 1, []);
  const e = ["e", target.id];
  const passed = Array.from(
    { length: 2 * SORT_ANSWERS_MAX },
    (_, n) => n % 2 === 0 ? event(2 + n, 7, [e, ["expiration", `${NOW}`]]) : event(2 + n, 4, [e]),
  );
  const older = event(2, 7, [e], NOW - 1);
  const counts = storeOf(target, older, ...passed);
  const { points, rows } = counts.of(target, { since: 0, now: NOW });
  assertEquals([points, rows], [0, SORT_ANSWERS_MAX]);
});
