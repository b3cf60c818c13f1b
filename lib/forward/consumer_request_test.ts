/** Tests of what consumers ask for: query strings and lines, and what is wrong with them. */
import { assertEquals, assertThrows } from "@std/assert";
import { ConsumerRequestError, lineOf, readLineRequest, readQueryRequest } from "./consumer_request.ts";

const KEY = "a".repeat(64);

Deno.test("a query string names a filter by its fields or as JSON, and where to begin", () => {
  const { filter, after, withSeq } = readQueryRequest(`kinds=1,6&kinds=7&t=a,b&%23p=${KEY}&since=5&after=9`);
  assertEquals([after, withSeq], [9, true]);
  assertEquals(filter.filter.kinds, [1, 6, 7]);
  assertEquals(filter.filter.since, 5);
  assertEquals(filter.filter.tags, [{ letter: "t", values: ["a", "b"] }, { letter: "p", values: [KEY] }]);
  const json = readQueryRequest(`filter=${encodeURIComponent('{"kinds":[3]}')}&seq=true`);
  assertEquals([json.filter.filter.kinds, json.after, json.withSeq], [[3], null, true]);
  assertEquals(readQueryRequest("").withSeq, false);
});

Deno.test("a line names a filter, where to begin and a token, each of them or none", () => {
  const { filter, after, token } = readLineRequest('{"after":3,"filter":{"kinds":[1]},"token":"x"}');
  assertEquals([filter.filter.kinds, after, token], [[1], 3, "x"]);
  const { filter: none, ...rest } = readLineRequest("");
  assertEquals([none.size, rest], [0, { after: null, withSeq: true, token: null }]);
});

Deno.test("what cannot be read is refused with the reason", () => {
  for (
    const query of [
      "after=",
      "after=-1",
      "kinds=a",
      "since=",
      "filter=1",
      "filter=[",
      "authors=x",
      "nothing=1",
      // Names that every object has.
      "constructor=1",
      "toString=1",
      "__proto__=1",
      'filter={"kinds":5}&kinds=1',
    ]
  ) {
    assertThrows(() => readQueryRequest(query), ConsumerRequestError, undefined, query);
  }
  for (const line of ["[", "[]", '{"after":"1"}', '{"token":1}', '{"filter":1}', '{"befor":1}']) {
    assertThrows(() => readLineRequest(line), ConsumerRequestError, undefined, line);
  }
});

Deno.test("a line holds the event as it is stored", () => {
  assertEquals(lineOf({ seq: 4, text: '{"id":"x"}' }), '{"seq":4,"event":{"id":"x"}}');
});
