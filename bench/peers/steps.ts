/**
 * What is measured of each peer, in order, on one instance that starts empty. The order matters: events that a step
 * stores are what later queries must find. Runs in the bench's own process.
 *
 * @module
 */
import type { Measured } from "../driver.ts";
import { drive } from "../driver.ts";
import { target } from "../scenario.ts";
import type { RunningRelay } from "./peer.ts";

/** How much of everything. */
export interface Effort {
  /** Events of the first and largest step; the others are shares of it. */
  readonly events: number;
  /** Seconds of each query. */
  readonly seconds: number;
  /** Connections of the idle step. */
  readonly idle: number;
}

/** One instance under test. */
export interface Trial {
  readonly relay: RunningRelay;
  readonly file: string;
  readonly effort: Effort;
  /** Lines of the corpus that the relay has. */
  stored: number;
}

/** One measurement. */
export interface Step {
  readonly name: string;
  run(trial: Trial): Promise<Measured>;
}

/** Connections, unanswered events a connection, and the share of the largest step's events. */
const INGESTS = [[8, 64, 1], [1, 64, 0.2], [64, 16, 0.2], [1_000, 4, 0.2]] as const;
const INGESTS_ONE_AT_A_TIME = [[1, 1, 0.03], [8, 1, 0.1], [64, 1, 0.2], [1_000, 1, 0.2]] as const;
const QUERIES = ["ids", "profile", "author", "etag", "ptag", "kind100", "ids100", "timeline200"];
/** The share of the events that each relay takes before anything is measured: a relay runs for months. */
const WARM_UP_SHARE = 0.4;
const MIXED_SHARE = 0.4;
/** Subscriber connections, subscriptions, how many match, events, and events in flight at once. */
const FANOUTS = [
  [100, 100, 100, 2_000, 512],
  [1_000, 1_000, 1_000, 200, 64],
  // Few enough a connection for the peer with the lowest limit, 32.
  [400, 10_000, 10, 4_000, 512],
] as const;
/** Events a second of the step that asks how soon a lone event arrives. */
const PACED_RATE = 50;
const QUERY_CONNECTIONS = 4;
const SHARES = [...INGESTS, ...INGESTS_ONE_AT_A_TIME]
  .reduce((sum, [, , share]) => sum + share, WARM_UP_SHARE + MIXED_SHARE);

/** Lines of corpus that all steps need together. */
export function eventsNeeded(effort: Effort): number {
  return Math.ceil(effort.events * SHARES) + INGESTS.length + INGESTS_ONE_AT_A_TIME.length + 1;
}

/** The steps, in order. */
export const STEPS: readonly Step[] = [
  ingest(8, 64, WARM_UP_SHARE, "ingest, the first"),
  ...INGESTS.map(([connections, window, share]) => ingest(connections, window, share)),
  ...INGESTS_ONE_AT_A_TIME.map(([connections, window, share]) => ingest(connections, window, share)),
  ...QUERIES.map(query),
  { name: "mixed", run: mixed },
  ...FANOUTS.map(([subscribers, subscriptions, matching, events, window]) =>
    fanout(`fanout ${subscriptions}/${matching}`, [subscribers, subscriptions, matching], [events, window, 0])
  ),
  fanout("fanout paced", [100, 100, 100], [PACED_RATE * 4, 512, PACED_RATE]),
];

/** Steps on a fresh process with the data of the others: what memory grows by says more there. */
export const STEPS_AFTER_RESTART: readonly Step[] = [{ name: "idle", run: idle }];

function ingest(
  connections: number,
  window: number,
  share: number,
  name = `ingest ${connections}×${window}`,
): Step {
  return {
    name,
    async run(trial) {
      const events = Math.ceil(trial.effort.events * share);
      const load = [
        "--connections",
        connections,
        "--window",
        window,
        "--skip",
        trial.stored,
        "--events",
        events,
      ];
      const line = await drive(["ingest", ...target(trial.relay), "--file", trial.file, ...load]);
      trial.stored += events;
      return line;
    },
  };
}

function query(kind: string): Step {
  return {
    name: `query ${kind}`,
    run({ relay, file, stored, effort }) {
      const what = ["--file", file, "--events", stored, "--kind", kind];
      const load = ["--connections", QUERY_CONNECTIONS, "--seconds", effort.seconds];
      return drive(["query", ...target(relay), ...what, ...load]);
    },
  };
}

function mixed({ relay, file, stored, effort }: Trial): Promise<Measured> {
  return drive(["mixed", ...target(relay), "--file", file, "--stored", stored, "--seconds", effort.seconds]);
}

function fanout(
  name: string,
  [subscribers, subscriptions, matching]: readonly [number, number, number],
  [events, window, rate]: readonly [number, number, number],
): Step {
  const crowd = ["--subscribers", subscribers, "--subscriptions", subscriptions, "--matching", matching];
  const load = ["--events", events, "--window", window, "--rate", rate];
  return { name, run: ({ relay }) => drive(["fanout", ...target(relay), ...crowd, ...load]) };
}

function idle({ relay, effort }: Trial): Promise<Measured> {
  return drive(["idle", ...target(relay), "--connections", effort.idle, "--seconds", 3]);
}
