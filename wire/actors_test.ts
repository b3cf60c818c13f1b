/**
 * Tests of the table of actors: what follows from a row, and what must be true of all of them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { ACTORS as LABELS } from "../lib/metrics/metrics.ts";
import {
  ACTORS,
  followingOrigins,
  originActors,
  originCount,
  originNumber,
  STOP_ORDER,
  threadCount,
  threadNumber,
} from "./actors.ts";
import { bellOf, createRelayMemory, outcomeLanes } from "./memory.ts";

const COUNTS = {
  gateways: 2,
  verifiers: 3,
  readers: 1,
  plugins: 1,
  upstreams: 2,
  routers: 1,
  fanouts: 1,
};
const NAMES = ACTORS.map(({ name }) => name);

Deno.test("every actor has a worker of its name, and a label in the metrics", () => {
  assertEquals([...LABELS].sort(), [...NAMES].sort());
  for (const name of NAMES) {
    assert(Deno.statSync(new URL(`../services/${name}/worker.ts`, import.meta.url)).isFile, name);
  }
});

Deno.test("each worker has a bell and a block of metrics that no other has, and main has a block", () => {
  const memory = createRelayMemory(COUNTS);
  const threads = ACTORS.flatMap(({ name, many }) =>
    Array.from({ length: many(COUNTS) }, (_, index) => ({ name, index }))
  );
  const bells = threads.map(({ name, index }) => bellOf(memory, name, index));
  assert(!bells.includes(undefined));
  assertEquals(new Set(bells).size, threads.length);
  const blocks = [
    ...threads.map(({ name, index }) => threadNumber(COUNTS, name, index)),
    threadNumber(COUNTS, "main"),
  ];
  assertEquals(blocks.toSorted((a, b) => a - b), blocks.map((_, n) => n));
  assertEquals(blocks.length, threadCount(COUNTS));
  for (const [name, index] of [["verifier", 3], ["main", 0], ["toString", 0], ["origins", 0]] as const) {
    assertEquals(bellOf(memory, name, index), undefined);
  }
  assertEquals(bellOf(createRelayMemory({ ...COUNTS, plugins: 0 }), "plugin", 0), undefined);
});

Deno.test("gateways are the first origins, by their own numbers, and each origin has its lanes and its bell", () => {
  const memory = createRelayMemory(COUNTS);
  assertEquals(originActors()[0], "gateway");
  assertEquals([0, 1].map((index) => originNumber(COUNTS, "gateway", index)), [0, 1]);
  assertEquals(memory.bells.origins.length, originCount(COUNTS));
  assertEquals(memory.frames.length, originCount(COUNTS));
  for (const name of originActors()) {
    const origin = originNumber(COUNTS, name);
    assertEquals(memory.bells.origins[origin], memory.bells[name][0]);
    assert(!outcomeLanes(memory, origin).includes(undefined!), name);
  }
});

Deno.test("whoever follows the log has its bell among the followers', and so have the origins that follow", () => {
  const { bells } = createRelayMemory(COUNTS);
  const followers = ACTORS.filter(({ follows }) => follows).map(({ name }) => name);
  assertEquals(new Set(bells.followers), new Set(followers.flatMap((name) => bells[name])));
  assertEquals(followingOrigins(COUNTS), bells.origins.map((bell) => bells.followers.includes(bell)));
});

Deno.test("whoever is asked starts before those that ask, and each place in the order of the stop is taken once", () => {
  for (const { name, asks } of ACTORS) {
    for (const asked of asks) assert(NAMES.indexOf(asked) < NAMES.indexOf(name), `${asked} before ${name}`);
  }
  assertEquals(STOP_ORDER.map(({ stops }) => stops), NAMES.map((_, n) => n));
});
