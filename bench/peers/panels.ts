/**
 * What the report shows: panels, each one figure of one step, for all peers side by side. Data only; runs in the
 * bench's own process.
 *
 * @module
 */

/** One figure of one step. */
export interface Panel {
  readonly step: string;
  /** The key in the driver's line. */
  readonly figure: string;
  readonly title: string;
  readonly lowerIsBetter?: boolean;
}

/** A plot: a file of panels. */
export interface Plot {
  readonly name: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

const RATE = "events_per_second";
const low = { lowerIsBetter: true } as const;

/** All plots, in the order of the report. */
export const PLOTS: readonly Plot[] = [
  {
    name: "ingest",
    title: "Ingest: from EVENT to OK",
    panels: [
      { step: "ingest 1×64", figure: RATE, title: "events/s, 1 connection × 64 unanswered" },
      { step: "ingest 8×64", figure: RATE, title: "events/s, 8 connections × 64" },
      { step: "ingest 64×16", figure: RATE, title: "events/s, 64 connections × 16" },
      { step: "ingest 1000×4", figure: RATE, title: "events/s, 1,000 connections × 4" },
      { step: "ingest 8×64", figure: "relay_cpu_us_per_event", title: "CPU µs an event (8 × 64)", ...low },
      { step: "ingest 1×1", figure: "p50_ms", title: "ms to the OK, one event at a time (p50)", ...low },
    ],
  },
  {
    name: "query",
    title: "Queries: from REQ to EOSE, 4 connections",
    panels: [
      { step: "query ids", figure: "queries_per_second", title: "queries/s: one id" },
      { step: "query author", figure: "queries_per_second", title: "queries/s: newest 100 of an author" },
      { step: "query ptag", figure: "queries_per_second", title: "queries/s: newest 100 that mention a key" },
      {
        step: "query kind100",
        figure: "queries_per_second",
        title: "queries/s: 100 notes before some moment",
      },
      {
        step: "query timeline200",
        figure: "queries_per_second",
        title: "queries/s: newest 100 of 200 authors",
      },
      { step: "mixed", figure: "queries_per_second", title: "queries/s while 4 connections write" },
    ],
  },
  {
    name: "fanout",
    title: "Fan-out: from EVENT to subscribers",
    panels: [
      { step: "fanout 100/100", figure: "deliveries_per_second", title: "deliveries/s, 100 subscribers" },
      { step: "fanout 1000/1000", figure: "deliveries_per_second", title: "deliveries/s, 1,000 subscribers" },
      { step: "fanout 10000/10", figure: RATE, title: "events/s, 10,000 subscriptions, 10 match" },
      { step: "fanout paced", figure: "p50_ms", title: "ms to delivery, 50 events/s to 100 (p50)", ...low },
    ],
  },
  {
    name: "cost",
    title: "What it takes",
    panels: [
      { step: "idle", figure: "rss_kb_per_connection", title: "KB an idle connection", ...low },
      { step: "size", figure: "gigabytes_per_million", title: "GB on disk a million events", ...low },
      { step: "ingest 8×64", figure: "rss_after_kb", title: "KB resident after the first ingest", ...low },
      { step: "start full", figure: "start_ms", title: "ms from start to first answer, with data", ...low },
    ],
  },
];
