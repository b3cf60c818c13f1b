/** Tests of a filter's check of one text, and of what a look-up by id is charged. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { naiveMatch, type PlainEvent, type PlainFilter } from "../../../tests/support/naive_matcher.ts";
import { memoryStore } from "../../../tests/support/memory_store.ts";
import { seededPrng } from "../../../tests/support/prng.ts";
import { SCAN_ROW_CHARS, SCAN_SOUGHT_VALUES_MAX } from "../../limits.ts";
import { parseFilter } from "../../nostr/filter.ts";
import { EventReader } from "./event_reader.ts";
import { FilterCheck } from "./filter_check.ts";

const LIMITS = { limitMax: 10, limitDefault: 10 };
const hex = (n: number, chars = 64) => n.toString(16).padStart(8, "0").repeat(chars / 8);

function event(n: number, fields: Partial<PlainEvent>): PlainEvent {
  return {
    id: hex(n),
    pubkey: hex(1),
    created_at: 1_000,
    kind: 1,
    tags: [],
    content: "",
    sig: hex(7, 128),
    ...fields,
  };
}

function open(...events: PlainEvent[]): EventReader {
  return new EventReader(memoryStore(...events));
}

Deno.test("fuzz: a filter's check holds where a naive matcher finds a match", () => {
  const prng = seededPrng("filter checks");
  const many = Array.from({ length: SCAN_SOUGHT_VALUES_MAX + 1 }, (_, n) => `${n}`);
  const matches = { true: 0, false: 0 };
  for (let round = 0; round < 3_000; round++) {
    const filter: PlainFilter = {};
    if (prng.chance(0.2)) filter.ids = [hex(prng.int(1, 3)), hex(1)];
    if (prng.chance(0.3)) filter.authors = [hex(prng.int(1, 2)), hex(2)];
    if (prng.chance(0.3)) filter.kinds = prng.pick([[1], [1, 7]]);
    if (prng.chance(0.3)) filter.since = prng.int(998, 1_002);
    if (prng.chance(0.3)) filter.until = prng.int(998, 1_002);
    if (prng.chance(0.5)) filter["#t"] = prng.pick([["1"], ["2", "x"], many]);
    if (prng.chance(0.2)) filter["&t"] = prng.pick([["1"], ["1", "x"]]);
    const about = event(prng.int(1, 3), {
      pubkey: hex(prng.int(1, 3)),
      created_at: prng.int(999, 1_001),
      kind: prng.pick([1, 7, 8]),
      tags: prng.shuffle([["t", "1"], ["t", "x"], ["r", "2"], ["t"], ["t", "12"]]).slice(0, 3),
    });
    const holds = new FilterCheck(parseFilter(filter, LIMITS)).holds(JSON.stringify(about));
    assertEquals(holds, naiveMatch(filter, about), JSON.stringify({ filter, about, seed: prng.seed }));
    matches[`${holds}`]++;
  }
  assert(matches.true > 100 && matches.false > 100);
});

Deno.test("a look-up by id is charged for the text that it reads, shown or not", () => {
  const reader = open(event(1, { content: "x".repeat(10 * SCAN_ROW_CHARS) }));
  const rowsOf = (id: string, fields: PlainFilter, mayRead: (() => boolean) | null) => {
    const budget = { rows: 100, bytes: 1e9 };
    const scan = reader.scan(parseFilter({ ids: [id], ...fields }, LIMITS), {
      seqMax: 1e6,
      now: 0,
      mayRead,
    });
    assertEquals(scan.step(budget, () => {}), "done");
    return 100 - budget.rows;
  };
  for (const mayRead of [null, () => true, () => false]) {
    assertEquals(rowsOf(hex(1), {}, mayRead), 11);
    assertEquals(rowsOf(hex(1), { kinds: [2] }, mayRead), 11);
    assertEquals(rowsOf(hex(2), {}, mayRead), 1);
  }
});

Deno.test("a filter's check reads no tags of a text that fails before", () => {
  const values = Array.from({ length: SCAN_SOUGHT_VALUES_MAX + 1 }, (_, n) => `${n}`);
  const holds = (kind: number) => {
    const broken = JSON.stringify(event(1, {})).replace('"tags":[]', '"tags":[}');
    return new FilterCheck(parseFilter({ kinds: [kind], "#t": values }, LIMITS)).holds(broken);
  };
  assertEquals(holds(7), false);
  assertThrows(() => holds(1), SyntaxError);
});
