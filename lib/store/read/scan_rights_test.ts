/**
 * Tests of scans for somebody who may not know of all events: each is that of a store in which those never were, in any
 * steps, from cached texts or not, and what is passed is charged.
 */
import { assert, assertEquals } from "@std/assert";
import type { PlainEvent, PlainFilter } from "../../../tests/support/naive_matcher.ts";
import { memoryStore } from "../../../tests/support/memory_store.ts";
import { type Prng, seededPrng } from "../../../tests/support/prng.ts";
import { SCAN_CHUNK_ROWS_MAX, TEXT_CACHE_CHUNK_BYTES } from "../../limits.ts";
import { parseFilter } from "../../nostr/filter.ts";
import { EventReader } from "./event_reader.ts";
import { TextCache } from "./text_cache.ts";
import type { CachedScan } from "./cached_scan.ts";
import type { EventScan, ScanOptions } from "./scan.ts";

const LIMITS = { limitMax: 20, limitDefault: 8 };
const HIDDEN = "hidden";
const hex = (n: number, chars = 64) => n.toString(16).padStart(8, "0").repeat(chars / 8);
const mayRead = (text: string) => !text.includes(HIDDEN);

function open(events: readonly PlainEvent[]): EventReader {
  return new EventReader(memoryStore(...events), null, new TextCache(TEXT_CACHE_CHUNK_BYTES, "bytes"));
}

function event(n: number, fields: Partial<PlainEvent>): PlainEvent {
  const id = hex(Math.imul(n + 1, 0x9e3779b1) >>> 0);
  const plain = { id, pubkey: hex(1), created_at: 1_000, kind: 1, tags: [], content: "", sig: hex(7, 128) };
  return { ...plain, ...fields };
}

/** What a scan brings, and the first event that it leaves out; it may go on from its position after any step. */
function answer(reader: EventReader, filter: PlainFilter, options: ScanOptions, prng: Prng, isHot: boolean) {
  const parsed = parseFilter(filter, LIMITS);
  const found: PlainEvent[] = [];
  const emit = (text: unknown) => found.push(JSON.parse(String(text)));
  let scan: EventScan | CachedScan = (isHot ? reader.cachedScan(parsed, options) : null) ??
    reader.scan(parsed, options);
  const budget = () => ({ rows: prng.pick([1, 5, 50, 1e6]), bytes: prng.pick([1, 500, 1e9]) });
  while (scan.step(budget(), emit) === "more") {
    if (prng.chance(0.3)) scan = reader.scan(parsed, { ...options, position: scan.position });
  }
  const { end } = scan;
  if (typeof end !== "number") return { ids: found.map(({ id }) => id), end };
  const next = reader.scan(
    parseFilter({ ...filter, limit: 1_000_000 }, { limitMax: 1e6, limitDefault: 1e6 }),
    {
      ...options,
      mayRead: null,
    },
  );
  let id = "";
  next.step({ rows: 1e9, bytes: 1e9 }, (text, seq) => {
    if (seq === end) ({ id } = JSON.parse(text));
  });
  return { ids: found.map(({ id }) => id), end: id };
}

Deno.test("a scan for who may not know of all is that of a store without the rest", () => {
  const prng = seededPrng("scans with rights");
  for (let round = 0; round < 12; round++) {
    const events = Array.from({ length: 400 }, (_, n) =>
      event(n, {
        pubkey: hex(prng.int(1, 3)),
        created_at: prng.int(900, 960),
        kind: prng.pick([1, 7, 8]),
        tags: [["t", prng.pick(["a", "b", "c"])], ["r", prng.pick(["x", "y"])]],
        content: prng.chance(0.6) ? HIDDEN : "",
      }));
    const whole = open(events);
    const visible = open(events.filter(({ content }) => content !== HIDDEN));
    for (let query = 0; query < 120; query++) {
      const filter: PlainFilter = {};
      if (prng.chance(0.4)) filter.kinds = prng.pick([[1], [7, 8]]);
      if (prng.chance(0.3)) filter.authors = [hex(prng.int(1, 3)), hex(2)];
      if (prng.chance(0.4)) filter["#t"] = prng.pick([["a"], ["b", "c"]]);
      if (prng.chance(0.3)) filter["#r"] = ["x"];
      if (prng.chance(0.1)) filter.ids = prng.shuffle(events).slice(0, prng.int(1, 3)).map(({ id }) => id);
      if (prng.chance(0.3)) filter.until = prng.int(900, 960);
      if (prng.chance(0.3)) filter.since = prng.int(900, 960);
      if (prng.chance(0.6)) filter.limit = prng.pick([0, 1, 2, 5, 20, 50]);
      const options = { seqMax: 1e6, now: 0 };
      const isHot = prng.chance(0.5);
      const where = `SEED=${prng.seed} round ${round} ${JSON.stringify(filter)}`;
      const expected = answer(visible, filter, options, prng, false);
      assertEquals(answer(whole, filter, { ...options, mayRead }, prng, isHot), expected, where);
    }
  }
});

Deno.test("what is passed is charged, a step's budget at a time", () => {
  const hidden = Array.from(
    { length: 6_000 },
    (_, n) => event(n, { created_at: 2_000 + n, content: HIDDEN }),
  );
  const reader = open([...hidden, event(6_000, {}), event(6_001, {})]);
  for (const filter of [{ limit: 1 }, { kinds: [1], limit: 1 }, { authors: [hex(1)], limit: 1 }]) {
    const parsed = parseFilter(filter, LIMITS);
    const options = { seqMax: 1e6, now: 0, mayRead };
    for (const scan of [reader.cachedScan(parsed, options), reader.scan(parsed, options)]) {
      if (scan === null) continue;
      let found = 0;
      let rows = 0;
      for (let state = "more"; state === "more";) {
        const budget = { rows: 1_000, bytes: 1e9 };
        state = scan.step(budget, () => found++);
        rows += 1_000 - budget.rows;
        assert(budget.rows > -SCAN_CHUNK_ROWS_MAX, JSON.stringify(filter));
      }
      assertEquals([found, typeof scan.end], [1, "number"]);
      assert(rows >= hidden.length, `${rows} rows for ${JSON.stringify(filter)}`);
    }
  }
});

Deno.test("an event that many ranges lead to is read and checked once, whatever the verdict", () => {
  const values = Array.from({ length: 2_000 }, (_, n) => `value ${n}`);
  const tags = values.map((value) => ["t", value]);
  const shown = event(1, { created_at: 3_000, tags: tags.slice(0, 1) });
  for (const content of [HIDDEN, ""]) {
    const reader = open([shown, event(2, { created_at: 2_000, tags, content })]);
    const { statements } = reader;
    const counts = { reads: 0, checks: 0 };
    const get = statements.body.get.bind(statements.body);
    statements.body.get = (seq: unknown) => {
      counts.reads++;
      return get(seq as number);
    };
    // With a limit of one, it only tells that there is more.
    for (const limit of [1, 2, 1_000]) {
      Object.assign(counts, { reads: 0, checks: 0 });
      const scan = reader.scan(parseFilter({ "#t": values, limit }, { limitMax: limit, limitDefault: 1 }), {
        seqMax: 1e6,
        now: 0,
        mayRead: (text) => (counts.checks++, mayRead(text)),
      });
      while (scan.step({ rows: 1_000, bytes: 1e9 }, () => {}) === "more");
      const where = JSON.stringify({ content, limit, ...counts });
      assertEquals([counts.reads, counts.checks], [1, 2], where);
    }
  }
});

Deno.test("a cached text that is checked is charged as one that is read", () => {
  const reader = open([event(1, { content: HIDDEN.padEnd(5_000) }), event(2, { created_at: 1 })]);
  const options = { seqMax: 1e6, now: 0 };
  const page = parseFilter({ kinds: [1], limit: 1 }, LIMITS);
  const rowsOf = (scan: CachedScan | null) => {
    const budget = { rows: 1_000, bytes: 1e9 };
    assertEquals(scan!.step(budget, () => {}), "done");
    return 1_000 - budget.rows;
  };
  for (let time = 0; time < 3; time++) rowsOf(reader.cachedScan(page, options));
  const ids = [event(1, {}).id];
  const one = parseFilter({ ids }, LIMITS);
  assertEquals(rowsOf(reader.cachedScan(one, options)), 1);
  assert(rowsOf(reader.cachedScan(one, { ...options, mayRead })) > 4);
  assert(rowsOf(reader.cachedScan(page, { ...options, mayRead })) > 4);
});
