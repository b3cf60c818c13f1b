/** Tests of a filter that is asked about single events: it agrees with the naive matcher. */
import { assertEquals, assertThrows } from "@std/assert";
import { naiveMatch, type PlainFilter } from "../../tests/support/naive_matcher.ts";
import { key, plainEvent } from "../../tests/support/plain_event.ts";
import type { TestEvent } from "../../tests/support/sign.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { eventParts, eventText } from "../nostr/event.ts";
import { FilterError } from "../nostr/filter.ts";
import { readEventFilter } from "./event_filter.ts";

Deno.test("a filter matches the events that the naive matcher does", () => {
  const random = seededPrng("filters of forwarding");
  const some = <Value>(values: readonly Value[]) => values.filter(() => random.chance(0.5));
  let matched = 0;
  for (let round = 0; round < 3_000; round++) {
    const event = plainEvent({
      pubkey: key(["a", "b", "c"][random.int(0, 2)]!),
      kind: random.int(0, 3),
      created_at: random.int(100, 104),
      tags: some([["t", "x"], ["t", "y"], ["p", key("a")], ["t"]]),
    });
    const filter: Record<string, unknown> = {};
    if (random.chance(0.3)) filter.kinds = some([0, 1, 2]);
    if (random.chance(0.3)) filter.authors = some([key("a"), key("b")]);
    if (random.chance(0.2)) filter.ids = random.chance(0.5) ? [event.id] : [key("f")];
    if (random.chance(0.3)) filter["#t"] = some(["x", "z"]);
    if (random.chance(0.2)) filter["#p"] = [key("a")];
    if (random.chance(0.2)) filter.since = 102;
    if (random.chance(0.2)) filter.until = 102;
    const is = readEventFilter(filter).matches(eventText(event, eventParts(event)));
    assertEquals(is, naiveMatch(filter as PlainFilter, event as TestEvent), JSON.stringify([filter, event]));
    if (is) matched++;
  }
  assertEquals(matched > 100, true);
});

Deno.test("a filter with a search, or that is none, is refused", () => {
  for (const wrong of [{ search: "x" }, [], null, { kinds: ["1"] }]) {
    assertThrows(() => readEventFilter(wrong), FilterError);
  }
});
