/**
 * The actors: every kind of thread but main, one row each. From this table follow the type {@linkcode Actor}, the bells
 * and who is rung when the log has gone on, the blocks of metrics (`wire/memory.ts`), the numbers of origins, whom `crash`
 * on the control socket can name, and the order in which the supervisor starts and stops (`runtime/supervisor.ts`). The
 * labels of `nostr_worker_restarts_total` stand in `lib/metrics/metrics.ts`, because `lib` imports no layer above it; a
 * test holds both equal.
 * Constants only; any thread.
 *
 * A new actor is a row here, its name in that label, and its worker: `services/<name>/worker.ts`.
 *
 * ```
 *   gateway ────┐                                 ┌▶ indexer         gateway ─▶ reader       queries, by lanes
 *   control ────┼▶ verifier ─▶ (plugin) ─▶ store ─┤                  gateway ─▶ management   requests, by a port
 *   management ─┘                                 └▶ management
 * ```
 *
 * @module
 */
import {
  type Config,
  forwards,
  readsUpstreams,
  resolveWorkers,
  type WorkerCounts,
} from "../lib/config/config.ts";
import { FOLLOWER_STOP_MS_MAX, INDEXER_STOP_MS_MAX } from "../lib/limits.ts";

/** How many workers of each kind there are. */
export interface ActorCounts extends WorkerCounts {
  /** 1, or 0: no write plugin is configured. */
  readonly plugins: number;
  /** Threads that read from upstream relays; none by default. */
  readonly upstreams?: number;
  /** 1, or 0, the default: nothing is forwarded. */
  readonly routers?: number;
  /** 1, or 0, the default: there is no fan-out. */
  readonly fanouts?: number;
}

/** How many workers of each kind a configuration asks for. */
export function actorCounts(config: Config, cores: number): ActorCounts {
  return {
    ...resolveWorkers(config, cores),
    plugins: config.WRITE_PLUGIN === null ? 0 : 1,
    upstreams: config.UPSTREAM_WORKERS > 0 ? config.UPSTREAM_WORKERS : readsUpstreams(config) ? 1 : 0,
    routers: forwards(config) ? 1 : 0,
    fanouts: config.FANOUT ? 1 : 0,
  };
}

/** What the relay has to know of one kind of worker. */
interface ActorRow {
  /** Its folder below `services/`, and its label in the metrics. */
  readonly name: string;
  /** How many there are. */
  readonly many: (counts: ActorCounts) => number;
  /** Its place among those that stop, least first. It starts in the order of the rows. */
  readonly stops: number;
  /** The longest that main waits for its end, ms; null: as long as draining may last. */
  readonly stopMsMax: number | null;
  /** Whether it lets clients in: it is told to drain before anything stops, and says when it has. */
  readonly drains: boolean;
  /** Its place among the origins, which send frames and get outcomes; null: it is none. */
  readonly origin: number | null;
  /** Whether it reads the log, by the tail or from SQLite: the store rings it when the log has gone on. */
  readonly follows: boolean;
  /** Whom it asks: it is told when one of them was started again. */
  readonly asks: readonly string[];
  /** Whether whoever asks it does so by a port, which the supervisor makes for each pair; else by lanes. */
  readonly hasPorts: boolean;
}

function one(): number {
  return 1;
}

const ROW = {
  many: one,
  stopMsMax: null,
  drains: false,
  origin: null,
  follows: false,
  asks: [],
  hasPorts: false,
} as const;

/** The table, in the order of the start: whoever serves others is there before them. */
export const ACTORS = [
  // Before all that follow its decisions.
  {
    ...ROW,
    name: "management",
    stops: 7,
    origin: 2,
    hasPorts: true,
  },
  { ...ROW, name: "store", stops: 4 },
  {
    ...ROW,
    name: "plugin",
    many: ({ plugins }) => plugins,
    stops: 3,
  },
  { ...ROW, name: "verifier", many: ({ verifiers }) => verifiers, stops: 2 },
  // Its cursor is durable: what a slow or silent index does not take now, the next start sends.
  {
    ...ROW,
    name: "indexer",
    stops: 8,
    stopMsMax: INDEXER_STOP_MS_MAX,
    follows: true,
  },
  {
    ...ROW,
    name: "reader",
    many: ({ readers }) => readers,
    stops: 6,
    follows: true,
  },
  { ...ROW, name: "control", stops: 0, origin: 1 },
  {
    ...ROW,
    name: "upstream",
    many: ({ upstreams = 0 }) => upstreams,
    stops: 1,
    origin: 3,
    follows: true,
    hasPorts: true,
  },
  // Their cursors are durable.
  {
    ...ROW,
    name: "router",
    many: ({ routers = 0 }) => routers,
    stops: 9,
    stopMsMax: FOLLOWER_STOP_MS_MAX,
    follows: true,
    hasPorts: true,
  },
  {
    ...ROW,
    name: "fanout",
    many: ({ fanouts = 0 }) => fanouts,
    stops: 10,
    stopMsMax: FOLLOWER_STOP_MS_MAX,
    follows: true,
    hasPorts: true,
  },
  {
    ...ROW,
    name: "gateway",
    many: ({ gateways }) => gateways,
    stops: 5,
    drains: true,
    origin: 0,
    follows: true,
    asks: ["reader", "management", "upstream", "router", "fanout"],
  },
] as const satisfies readonly ActorRow[];

/** A kind of worker. */
export type Actor = typeof ACTORS[number]["name"];

/** The rows in the order of the stop: nothing new, then each finishes what the one before it left in its lanes. */
export const STOP_ORDER: readonly (ActorRow & { readonly name: Actor })[] = ACTORS.toSorted((a, b) =>
  a.stops - b.stops
);

const ORIGINS: readonly (ActorRow & { readonly name: Actor })[] = ACTORS
  .filter(({ origin }) => origin !== null)
  .toSorted((a, b) => a.origin! - b.origin!);

/** The row of an actor. */
export function rowOf(actor: Actor): ActorRow {
  return ACTORS.find(({ name }) => name === actor)!;
}

/** The actors that send frames, in the order of their numbers. */
export function originActors(): Actor[] {
  return ORIGINS.map(({ name }) => name);
}

/** How many origins there are. */
export function originCount(counts: ActorCounts): number {
  return ORIGINS.reduce((sum, { many }) => sum + many(counts), 0);
}

/** The number of an origin: gateways have their own, the others follow. */
export function originNumber(counts: ActorCounts, actor: Actor, index = 0): number {
  return firstOf(ORIGINS, counts, actor) + index;
}

/** Whether an origin follows the log, by the number of the origin: the store rings it whether it is answered or not. */
export function followingOrigins(counts: ActorCounts): boolean[] {
  return ORIGINS.flatMap(({ many, follows }) => new Array<boolean>(many(counts)).fill(follows));
}

/** How many threads there are, main included. */
export function threadCount(counts: ActorCounts): number {
  return ACTORS.reduce((sum, { many }) => sum + many(counts), 1);
}

/** The number of a thread's block of metrics; main's is the last. */
export function threadNumber(counts: ActorCounts, actor: Actor | "main", index = 0): number {
  return firstOf(ACTORS, counts, actor) + index;
}

function firstOf(rows: readonly ActorRow[], counts: ActorCounts, actor: string): number {
  let first = 0;
  for (const { name, many } of rows) {
    if (name === actor) return first;
    first += many(counts);
  }
  return first;
}
