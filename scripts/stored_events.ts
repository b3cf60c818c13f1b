/**
 * The events of the store, as a command sees them that compares them with those of another relay, or sends them there.
 * Runs in the process of a command, beside a running relay or without one; it only reads.
 *
 * @module
 */
import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Config } from "../lib/config/config.ts";
import {
  MANAGEMENT_VERSION_BYTES,
  ManagementFollower,
  ManagementWriter,
} from "../lib/management/change_log.ts";
import { SortedVectorBuilder } from "../lib/negentropy/sorted_vector.ts";
import { openForFollowing } from "../lib/store/keep/open.ts";
import { EventReader } from "../lib/store/read/event_reader.ts";
import type { TimeRange } from "../lib/upstream/gaps.ts";
import { OwnItems, type OwnWindow } from "../lib/upstream/own_items.ts";
import type { StreamFilter } from "../lib/upstream/stream_filter.ts";
import { managementPath, storePath } from "../runtime/data_paths.ts";
import { UpwardRule } from "../services/upstream/upward_rule.ts";

const NEVER_READ = 2 ** 31 - 1;

/** See the module's text. Where there is no store yet, it is empty. */
export class StoredEvents {
  readonly db: DatabaseSync | null;
  readonly #reader: EventReader | null;
  readonly #items: OwnItems | null;
  readonly #rule: UpwardRule;

  constructor(config: Config) {
    const path = storePath(config.DATA_DIR);
    this.db = existsSync(path) ? openForFollowing(path) : null;
    this.#reader = this.db && new EventReader(this.db);
    const turn = () => new Promise<void>((resolve) => setTimeout(resolve));
    this.#items = this.#reader && new OwnItems(this.#reader, { turn, nowSeconds });
    this.#rule = new UpwardRule(() => config, decisionsOf(config));
  }

  /** Ids and times of the newest events of a filter within a range. */
  async items(filter: StreamFilter, range: TimeRange): Promise<OwnWindow> {
    if (this.#items !== null) return await this.#items.gather(filter, range);
    return { items: new SortedVectorBuilder().build(), since: range.since, release: () => {} };
  }

  /** The text of an event, or null: it is gone. */
  textOf(id: string): string | null {
    if (this.#reader === null) return null;
    this.#reader.refresh();
    return this.#reader.rowOf(id, { now: nowSeconds() }, { rows: 0 })?.text ?? null;
  }

  /** Whether an event is stored. */
  has(id: string): boolean {
    return this.textOf(id) !== null;
  }

  /** Says of each event, by its text, whether it may go to other relays. */
  upward(filter: StreamFilter): (text: string) => boolean {
    return this.#rule.of({ filter });
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** What the operator has decided, and decides while the command runs. */
function decisionsOf({ DATA_DIR }: Config): ManagementFollower {
  const path = managementPath(DATA_DIR);
  const version = new SharedArrayBuffer(MANAGEMENT_VERSION_BYTES);
  if (!existsSync(path)) new ManagementWriter(path, version, { nowSeconds }).close();
  // Nobody tells this process of a decision, so that it looks each time.
  new Int32Array(version)[0] = NEVER_READ;
  return new ManagementFollower(path, version);
}
