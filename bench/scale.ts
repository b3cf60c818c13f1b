/**
 * Whether queries cost the same in a large store: `deno task bench scale [--sizes 100000,1000000] [--data DIR]
 * [--filters N] [--seed S]`. Makes a store of each size (300 bytes of disk an event and more, so mind where), and prints
 * one line of JSON for each kind of query and size: time to the end of the stored answer, the steps that it took by the
 * gateway's and the reader's budgets, and the longest step, which is how long others may wait. No sockets.
 * Runs in the bench's own process.
 *
 * @module
 */
import { GATEWAY_QUERY_ROWS_MAX, READER_SLICE_ROWS_MAX, SLICE_BYTES_MAX } from "../lib/limits.ts";
import { type Filter, parseFilter } from "../lib/nostr/filter.ts";
import { EventReader } from "../lib/store/read/event_reader.ts";
import { openForReading } from "../lib/store/keep/open.ts";
import { readFlags } from "./flags.ts";
import {
  authorOf,
  AUTHORS,
  FREQUENT_TAG,
  idOfEvent,
  makeStore,
  randomOf,
  RARE_KIND,
  SINCE,
} from "./made_store.ts";
import { printProgress, printResult } from "./output.ts";
import { withDataDir } from "./scenario.ts";

const LIMITS = { limitMax: 5_000, limitDefault: 500 };
const CACHE_MEBIBYTES = 64;

/** What is asked, as filters of REQs; `events` is the size of the store. */
type Ask = (random: () => number, events: number) => Record<string, unknown>;

function int(random: () => number, below: number): number {
  return Math.floor(random() * below);
}

function authors(random: () => number, count: number): string[] {
  return Array.from({ length: count }, () => authorOf(int(random, AUTHORS)));
}

/** The usual queries, then those that somebody asks who wants to do harm. */
export const ASKS: Readonly<Record<string, Ask>> = {
  id: (random, events) => ({ ids: [idOfEvent(int(random, events))] }),
  ids100: (random, events) => ({ ids: Array.from({ length: 100 }, () => idOfEvent(int(random, events))) }),
  author: (random) => ({ authors: [authorOf(int(random, 10))], kinds: [1], limit: 50 }),
  author_any_kind: (random) => ({ authors: [authorOf(int(random, 10))], limit: 50 }),
  kind100: () => ({ kinds: [1], limit: 100 }),
  replies: (random, events) => ({ "#e": [idOfEvent(events - 2_000 - int(random, 1_000))] }),
  mentions: (random) => ({ "#p": [authorOf(int(random, 5))], limit: 50 }),
  hashtag: () => ({ "#t": [FREQUENT_TAG], limit: 100 }),
  timeline200: (random) => ({ authors: authors(random, 200), kinds: [1, 6], limit: 100 }),
  timeline200_any_kind: (random) => ({ authors: authors(random, 200), limit: 100 }),
  everything: () => ({}),
  until: (random, events) => ({ until: SINCE + int(random, events - 1_000) + 1_000, limit: 100 }),
  authors1000_kinds20: (random) => ({
    authors: authors(random, 1_000),
    kinds: Array.from({ length: 20 }, (_, number) => number),
    limit: 500,
  }),
  frequent_tag_rare_kind: () => ({ "#t": [FREQUENT_TAG], kinds: [RARE_KIND], limit: 1 }),
  two_tags: () => ({ "&t": [FREQUENT_TAG, "topic150"], limit: 10 }),
  tags500: () => ({ "#t": Array.from({ length: 500 }, (_, number) => `topic${number}`), limit: 500 }),
};

/** Runs the scenario. */
export async function main(words: readonly string[]): Promise<void> {
  const data = new URL("./cache/data", import.meta.url).pathname;
  const defaults = { sizes: ["100000", "1000000"], data, filters: 30, seed: 1 };
  const { sizes, data: root, filters, seed } = readFlags(words, defaults);
  for (const events of sizes.map(Number)) {
    await withDataDir(root, "scale", async (dataDir) => {
      await printProgress(`making a store of ${events} events`);
      const path = `${dataDir}/events.db`;
      makeStore(path, events, seed);
      const bytes = (await Deno.stat(path)).size;
      for (const line of measureStore(path, { events, filters, seed })) {
        await printResult({
          scenario: "scale",
          events,
          bytes_per_event: Math.round(bytes / events),
          ...line,
        });
      }
    });
  }
}

/** Measures each kind of query on a made store. */
export function* measureStore(
  path: string,
  { events, filters, seed }: { events: number; filters: number; seed: number },
): Generator<Record<string, number | string>> {
  const db = openForReading(path, CACHE_MEBIBYTES);
  const reader = new EventReader(db);
  for (const [kind, ask] of Object.entries(ASKS)) {
    const random = randomOf(seed);
    const asked = Array.from({ length: filters }, () => parseFilter(ask(random, events), LIMITS));
    for (const filter of asked) answer(reader, filter);
    const answers = asked.map((filter) => answer(reader, filter));
    const median = (of: (answer: Answer) => number) =>
      answers.map(of).toSorted((a, b) => a - b)[filters >> 1]!;
    yield {
      kind,
      rows: median((answer) => answer.rows),
      us: Math.round(median((answer) => answer.micros)),
      steps: median((answer) => answer.steps),
      longest_step_us: Math.round(Math.max(...answers.map((answer) => answer.longestMicros))),
    };
  }
  db.close();
}

interface Answer {
  rows: number;
  steps: number;
  micros: number;
  longestMicros: number;
}

/** One query as gateway and reader share it. */
function answer(reader: EventReader, filter: Filter): Answer {
  const result: Answer = { rows: 0, steps: 0, micros: 0, longestMicros: 0 };
  const options = { seqMax: reader.refresh(), now: SINCE };
  let scan = null;
  for (let rows: number = GATEWAY_QUERY_ROWS_MAX;; rows = READER_SLICE_ROWS_MAX) {
    const started = performance.now();
    scan ??= reader.scan(filter, options);
    const step = scan.step({ rows, bytes: SLICE_BYTES_MAX }, () => result.rows++);
    const micros = (performance.now() - started) * 1_000;
    result.steps++;
    result.micros += micros;
    result.longestMicros = Math.max(result.longestMicros, micros);
    if (step === "done") return result;
  }
}
