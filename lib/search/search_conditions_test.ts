/** Tests of what extensions of a search mean. */
import { assertEquals } from "@std/assert";
import { isNewestFirst, searchConditions } from "./search_conditions.ts";
import { parseSearchText } from "./search_text.ts";

const NONE = {
  language: null,
  sentiment: null,
  includesSpam: false,
  excludesSensitive: false,
  sort: null,
};

function conditionsOf(text: string) {
  return searchConditions(parseSearchText(text));
}

Deno.test("searchConditions() reads each extension, in any case", () => {
  assertEquals(conditionsOf("words"), NONE);
  assertEquals(conditionsOf("language:EN sentiment:Negative include:spam nsfw:False sort:hot"), {
    language: "en",
    sentiment: "negative",
    includesSpam: true,
    excludesSensitive: true,
    sort: "hot",
  });
});

Deno.test("searchConditions() ignores values without a meaning, and all but the first", () => {
  assertEquals(conditionsOf("language:english sentiment:mixed include:all nsfw:maybe sort:random"), NONE);
  assertEquals(conditionsOf("nsfw:true nsfw:false"), NONE);
  assertEquals(conditionsOf("sort:new sort:top").sort, "new");
});

Deno.test("isNewestFirst() knows the orders that begin with time", () => {
  const orders = ["", "sort:top", "sort:new", "sort:hot", "sort:rising"];
  assertEquals(orders.map((text) => isNewestFirst(conditionsOf(text))), [false, false, true, true, true]);
});
