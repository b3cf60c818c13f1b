/**
 * The queries and sessions that are open at a reader, and what each client has of it for them: their number, their bytes,
 * the items that sessions hold. What exceeds a share is refused by name.
 * The reader's thread owns it.
 *
 * @module
 */
import {
  NEGENTROPY_CONNECTION_ITEMS_MAX,
  NEGENTROPY_IDLE_MS_MAX,
  NEGENTROPY_READER_ITEMS_MAX,
  READER_QUERIES_CONNECTION_MAX,
  READER_QUERIES_MAX,
  READER_QUERY_BYTES_CONNECTION_MAX,
  READER_QUERY_BYTES_MAX,
  READER_QUERY_IDLE_MS_MAX,
} from "../../lib/limits.ts";
import type { Job, OpenedQuery } from "./jobs.ts";
import type { ReaderQuery } from "../../wire/query.ts";
import { Shares } from "./shares.ts";
import { SyncJob } from "./sync_job.ts";

/** Who asked: what an answer is addressed by. */
export interface Asker {
  readonly gateway: number;
  readonly query: Pick<ReaderQuery, "epoch" | "number">;
}

const QUERIES = { all: READER_QUERIES_MAX, each: READER_QUERIES_CONNECTION_MAX };
const BYTES = { all: READER_QUERY_BYTES_MAX, each: READER_QUERY_BYTES_CONNECTION_MAX };

/** See the module's text. */
export class OpenJobs {
  readonly #jobs = new Map<string, Job | SyncJob>();
  readonly #queries = new Shares();
  readonly #bytes = new Shares();
  readonly #items = new Shares();

  get(name: string): Job | SyncJob | undefined {
    return this.#jobs.get(name);
  }

  /** All that are open now, those first that were served longest ago. */
  all(): (Job | SyncJob)[] {
    return [...this.#jobs.values()];
  }

  isOpen(job: Job | SyncJob): boolean {
    return this.#jobs.get(nameOf(job)) === job;
  }

  /**
   * Whether its client may have another query open. What nobody waits for any more makes room: the client's own, and that
   * of others only where it is they who leave too little.
   */
  hasRoom(opened: OpenedQuery): boolean {
    const client = clientOf(opened);
    const has = () =>
      this.#queries.hasRoom(client, 1, QUERIES) && this.#bytes.hasRoom(client, opened.bytes, BYTES);
    const idle = (job: Job | SyncJob) => isIdle(job, READER_QUERY_IDLE_MS_MAX);
    if (has() || this.#makeRoom(has, (job) => idle(job) && clientOf(job) === client)) return true;
    const isWithin = this.#queries.isWithin(client, 1, QUERIES) &&
      this.#bytes.isWithin(client, opened.bytes, BYTES);
    return isWithin && this.#makeRoom(has, idle);
  }

  add(job: Job | SyncJob): void {
    const client = clientOf(job);
    this.#queries.count(client, 1);
    this.#bytes.count(client, job.bytes);
    this.#jobs.set(nameOf(job), job);
  }

  /** Puts it behind the others of its client. */
  putLast(job: Job | SyncJob): void {
    const name = nameOf(job);
    this.#jobs.delete(name);
    this.#jobs.set(name, job);
  }

  /** Forgets it, and what its client had for it. */
  end(job: Job | SyncJob): void {
    if (!this.#jobs.delete(nameOf(job))) return;
    job.isOver = true;
    const client = clientOf(job);
    this.#queries.count(client, -1);
    this.#bytes.count(client, -job.bytes);
    if (job instanceof SyncJob) this.#items.count(client, -job.countedItems);
  }

  /** Whether the sessions of its client may hold more; those that their gateways must have forgotten make room. */
  mayGrow(job: SyncJob, eventsMax: number): boolean {
    const bounds = {
      all: Math.max(NEGENTROPY_READER_ITEMS_MAX, 2 * eventsMax),
      each: Math.max(NEGENTROPY_CONNECTION_ITEMS_MAX, eventsMax),
    };
    const client = clientOf(job);
    const has = () => this.#items.hasRoom(client, 0, bounds);
    const idle = (other: Job | SyncJob) =>
      other instanceof SyncJob && isIdle(other, 2 * NEGENTROPY_IDLE_MS_MAX);
    if (has() || this.#makeRoom(has, (other) => idle(other) && clientOf(other) === client)) return true;
    return this.#items.isWithin(client, 0, bounds) && this.#makeRoom(has, idle);
  }

  /** Counts what a session holds now. */
  countItems(job: SyncJob): void {
    this.#items.count(clientOf(job), job.items - job.countedItems);
    job.countedItems = job.items;
  }

  /** Ends what may be ended, and says whether there is room then. */
  #makeRoom(has: () => boolean, mayEnd: (job: Job | SyncJob) => boolean): boolean {
    for (const job of this.#jobs.values()) if (mayEnd(job)) this.end(job);
    return has();
  }
}

/** Whether nobody has asked it to go on for so long. */
function isIdle(job: Job | SyncJob, ms: number): boolean {
  return !job.isWanted && job.touchedMs < performance.now() - ms;
}

/** The connection that asks, among those of all gateways. */
export function clientOf({ gateway, query }: Pick<OpenedQuery, "gateway" | "query">): string {
  return `${gateway}:${query.epoch}:${query.connection}`;
}

function nameOf(job: Asker): string {
  return `${job.gateway}:${job.query.epoch}:${job.query.number}`;
}
