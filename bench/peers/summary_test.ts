/** Tests of the summary of measurements. Runs on a test's thread. */
import { assertEquals } from "@std/assert";
import { spread, summarize } from "./summary.ts";

Deno.test("the median of an odd and of an even count, with the least and the greatest", () => {
  assertEquals(spread([9, 1, 5]), { median: 5, least: 1, greatest: 9 });
  assertEquals(spread([4, 1, 2, 9]), { median: 3, least: 1, greatest: 9 });
});

Deno.test("rounds of a step become one summary; problems add up; a step that never ran keeps its error", () => {
  const summaries = summarize([
    { peer: "a", round: 0, step: "s", line: { rate: 10, kind: "x", problems: 0 } },
    { peer: "b", round: 0, step: "s", error: "Cannot run" },
    { peer: "a", round: 1, step: "s", line: { rate: 30, problems: 2 } },
    { peer: "a", round: 2, step: "s", error: "Cannot run" },
  ]);
  assertEquals(summaries, [
    {
      peer: "a",
      step: "s",
      figures: {
        rate: { median: 20, least: 10, greatest: 30 },
        problems: { median: 1, least: 0, greatest: 2 },
      },
      problems: 2,
    },
    { peer: "b", step: "s", figures: {}, problems: 0, error: "Cannot run" },
  ]);
});
