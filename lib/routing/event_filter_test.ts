/** Tests of which events belong to a stream: both ways of asking give the same answer, and the right one. */
import { assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { eventParts, eventText, type NostrEvent } from "../nostr/event.ts";
import { EventFilter } from "./event_filter.ts";

const KEYS = ["a".repeat(64), "b".repeat(64), "c".repeat(64)];
const EVENT: NostrEvent = {
  id: KEYS[0]!,
  pubkey: KEYS[1]!,
  created_at: 100,
  kind: 1,
  tags: [["t", "x", "y"], ["e", KEYS[2]!], ["t"]],
  content: "",
  sig: "0".repeat(128),
};

function answers(filter: Record<string, unknown>, event: NostrEvent): boolean[] {
  const stream = new EventFilter(filter);
  return [stream.matches(event), stream.matchesStored(eventText(event, eventParts(event)))];
}

Deno.test("each condition of a filter is asked of an event", () => {
  const [, b, c] = KEYS;
  for (
    const filter of [
      {},
      { limit: 0 },
      { ids: [EVENT.id] },
      { authors: [c, b] },
      { kinds: [0, 1] },
      { since: 100 },
      {
        until: 100,
      },
      { "#t": ["x"] },
      { "#e": [c], "#t": ["z", "x"] },
    ]
  ) assertEquals(answers(filter, EVENT), [true, true], JSON.stringify(filter));
  for (
    const filter of [
      { ids: [b] },
      { authors: [c] },
      { kinds: [] },
      { kinds: [2] },
      { since: 101 },
      { until: 99 },
      {
        "#t": ["y"],
      },
      { "#x": ["x"] },
      { "#e": [c], "#t": ["z"] },
      { "#t": [] },
    ]
  ) assertEquals(answers(filter, EVENT), [false, false], JSON.stringify(filter));
});

Deno.test("a parsed event and its text give the same answer", () => {
  const prng = seededPrng("events and filters of streams");
  let matched = 0;
  for (let round = 0; round < 5_000; round++) {
    const some = <Value>(values: readonly Value[]) => values.filter(() => prng.chance(0.6));
    const filter: Record<string, unknown> = {};
    if (prng.chance(0.3)) filter.ids = some(KEYS);
    if (prng.chance(0.3)) filter.authors = some(KEYS);
    if (prng.chance(0.3)) filter.kinds = some([0, 1, 2]);
    if (prng.chance(0.3)) filter["#t"] = some(["x", "y", '"'] as const);
    if (prng.chance(0.3)) filter["#p"] = some(KEYS);
    if (prng.chance(0.2)) filter.since = prng.int(0, 5);
    if (prng.chance(0.2)) filter.until = prng.int(0, 5);
    const event = {
      ...EVENT,
      id: prng.pick(KEYS),
      pubkey: prng.pick(KEYS),
      kind: prng.int(0, 2),
      created_at: prng.int(0, 5),
      tags: some([["t", prng.pick(["x", "y", '"'])], ["p", prng.pick(KEYS), "x"], ["t", "x"]]),
      content: prng.pick(["", '["t","x"]', '"tags":[["t","y"]]']),
    };
    const [parsed, stored] = answers(filter, event);
    assertEquals(parsed, stored, JSON.stringify({ filter, event }));
    if (parsed) matched++;
  }
  assertEquals(matched > 500, true);
});
