/** Tests of what makes room for a query: a client's own idle queries, and others' only where they leave too little. */
import { assertEquals } from "@std/assert";
import { READER_QUERIES_CONNECTION_MAX, READER_QUERIES_MAX } from "../../lib/limits.ts";
import type { Job, OpenedQuery } from "./jobs.ts";
import { OpenJobs } from "./open_jobs.ts";

let numbers = 0;

/** A query of a client, not asked to go on since the clock began where `isIdle` says so. */
function queryOf(connection: number, isIdle = false): Job {
  const query = { epoch: 1, number: ++numbers, connection };
  const touchedMs = isIdle ? -Infinity : performance.now();
  return { gateway: 0, bytes: 100, query, isWanted: !isIdle, touchedMs, isOver: false } as unknown as Job;
}

const asked = (connection: number) => queryOf(connection) as unknown as OpenedQuery;

Deno.test("a client at its own bound ends its own idle queries, and nobody else's", () => {
  const jobs = new OpenJobs();
  const others = queryOf(2, true);
  jobs.add(others);
  for (let n = 0; n < READER_QUERIES_CONNECTION_MAX; n++) jobs.add(queryOf(1));
  assertEquals([jobs.hasRoom(asked(1)), jobs.isOpen(others)], [false, true]);
  jobs.end(jobs.all()[1]!);
  const own = queryOf(1, true);
  jobs.add(own);
  assertEquals([jobs.hasRoom(asked(1)), jobs.isOpen(own), jobs.isOpen(others)], [true, false, true]);
});

Deno.test("where others leave too little, their idle queries make room", () => {
  const jobs = new OpenJobs();
  for (let n = 0; n < READER_QUERIES_MAX; n++) jobs.add(queryOf(2 + n % 100, n % 100 === 0));
  assertEquals([jobs.hasRoom(asked(1)), jobs.all().length], [true, READER_QUERIES_MAX * 0.99]);
});
