/**
 * All events that everybody may see, in the order of negentropy (NIP-77): read once from the store, then kept current by
 * the log. A session about everything, or about a window of time, needs no scan then.
 * Belongs to the thread whose connection it reads; works in slices, so that the thread has time for its other work.
 *
 * DESIGN. The build reads the time index, oldest first, while the store changes. It begins by noting the last entry of the
 * log; when it has come to the end it follows the log from there. An event that the build saw or missed because it came or
 * went meanwhile ends as the log has it: adding what is there and removing what is not are no changes.
 *
 *     building ──── the end of the index ───▶ following ──── more than `itemsMax` ───▶ given up, for good
 *
 * It follows rows, by the store's index of time; the tail only tells that the log has gone on. Its thread gives it steps,
 * and each answer brings it up to date first.
 *
 * Private kinds and what is banned are left out. A change of the bans is carried out by looking their events up again.
 * What has expired and is not removed yet is taken out before each answer.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { invariant } from "../../invariant.ts";
import { FULL_SET_EXPIRED_ROWS_MAX } from "../../limits.ts";
import { ItemTree } from "../../negentropy/item_tree.ts";
import type { ItemStorage } from "../../negentropy/storage.ts";
import { TEXT_CREATED_AT_AT } from "../../nostr/event.ts";
import { idKey, pubkeyKey } from "../../nostr/keys.ts";
import { hasId, hasPubkey, idOf, pubkeyOf } from "../../nostr/exact.ts";
import { ofBoth } from "../write/fresh_tables.ts";
import { Follower } from "../../log/follower.ts";
import { LogRows } from "../../log/log_rows.ts";
import type { TailMemory } from "../../log/tail.ts";
import { returnArrays } from "../../sqlite/return_arrays.ts";

/** Which events everybody may see. The sets change; `isPrivate` does not. */
interface PublicView {
  isPrivate(kind: number): boolean;
  readonly bannedPubkeys: ReadonlySet<string>;
  readonly bannedEvents: ReadonlySet<string>;
}

/** What a set works with beside the database and the view. */
interface FullSetOptions {
  /** Events at which the set is given up; 40 to 80 bytes each. */
  readonly itemsMax: number;
  /** Says that the log has gone on. Without it, it is looked at in each step. */
  readonly tail?: TailMemory;
}

/** What is read of an event: the head of its text holds id and author. */
type Row = [seq: number, age: number, idKey: number, kind: number, head: string];
type RemovalRow = readonly [seq: number, age: number | null, id: string];

/** Bans that changed, as far as their events were looked up. */
interface Recheck {
  readonly pubkey: string;
  position: [kind: number, age: number, idKey: number, seq: number];
}

const COLUMNS = `x.seq, x.age, x.id_key, x.kind, substr(b.text, 1, ${TEXT_CREATED_AT_AT})`;

/** See the module's text. */
export class FullSet {
  readonly #sql: ReturnType<typeof prepareStatements>;
  readonly #view: PublicView;
  readonly #itemsMax: number;
  #tree: ItemTree | null = new ItemTree();
  #isBuilt = false;
  #position: [age: number, idKey: number, seq: number] = [Number.MAX_SAFE_INTEGER, 0, 0];
  /** Begins where the log ended when the build began. */
  readonly #follower: Follower<Row, RemovalRow>;
  #bannedPubkeys: ReadonlySet<string>;
  #bannedEvents: ReadonlySet<string>;
  #rechecks: Recheck[] = [];
  readonly #id = new Uint8Array(32);

  constructor(db: DatabaseSync, view: PublicView, { itemsMax, tail }: FullSetOptions) {
    this.#sql = prepareStatements(db);
    this.#view = view;
    this.#itemsMax = itemsMax;
    this.#follower = new Follower({
      log: logRows(db),
      ...(tail !== undefined && { tail }),
      sink: {
        add: (row) => {
          if (this.#isPublic(row)) this.#insert(row);
        },
        remove: ([, age, id]) => {
          invariant(age !== null, "what leaves while the set is followed says when it was");
          this.#remove(age, id);
        },
      },
    });
    this.#bannedPubkeys = new Set(view.bannedPubkeys);
    this.#bannedEvents = new Set(view.bannedEvents);
  }

  /** Whether it has grown beyond its bound and is gone. */
  get isGivenUp(): boolean {
    return this.#tree === null;
  }

  /** Whether the first reading is over. */
  get isBuilt(): boolean {
    return this.#isBuilt;
  }

  /** Whether a step would do anything. */
  get hasMore(): boolean {
    return this.#tree !== null && (!this.#isBuilt || this.#rechecks.length > 0 || this.#follower.hasMore);
  }

  /** Events in it. */
  get size(): number {
    return this.#tree?.size ?? 0;
  }

  /** Works on for about as many rows. Returns whether it is current then: nothing is left to do. */
  step(rows: number): boolean {
    if (this.#tree === null) return false;
    let current = false;
    if (!this.#isBuilt) this.#build(rows);
    else if (this.#rechecks.length > 0) this.#recheck(rows);
    else current = this.#follower.step(rows);
    if (this.#tree.size > this.#itemsMax) {
      this.#tree = null;
      return false;
    }
    return current;
  }

  /** Takes in that the bans of the view have changed. */
  bansChanged(): void {
    const { bannedPubkeys, bannedEvents } = this.#view;
    for (const pubkey of differences(this.#bannedPubkeys, bannedPubkeys)) {
      this.#rechecks.push({ pubkey, position: [-1, 0, 0, 0] });
    }
    this.#bannedPubkeys = new Set(bannedPubkeys);
    const events = differences(this.#bannedEvents, bannedEvents);
    this.#bannedEvents = new Set(bannedEvents);
    for (const id of events) {
      const rows = this.#sql.byIdKey.all(idKey(id)) as unknown as Row[];
      for (const row of rows) if (hasId(row[4], id)) this.#decide(row);
    }
  }

  /**
   * The set as of now, if at most `rows` rows are to be read for it, nobody's request to vanish is being carried out
   * (NIP-62), and the bans are carried out; else null. It serves until the next call of any method.
   *
   * @param now Seconds.
   */
  current(rows: number, now: number): ItemStorage | null {
    if (!this.#isBuilt || this.#rechecks.length > 0 || this.#isAnyVanishing) return null;
    if (!this.step(rows)) return null;
    const expired = this.#sql.expired.all(now, FULL_SET_EXPIRED_ROWS_MAX) as unknown as Row[];
    if (expired.length === FULL_SET_EXPIRED_ROWS_MAX) return null;
    for (const row of expired) this.#remove(row[1], idOf(row[4]));
    return this.#tree;
  }

  get #isAnyVanishing(): boolean {
    return this.#sql.vanishing.get() !== undefined;
  }

  #build(rows: number): void {
    const page = this.#sql.oldest.all(...this.#position, rows) as unknown as Row[];
    const last = page.at(-1);
    if (last !== undefined) this.#position = [last[1], last[2], last[0]];
    // Leaves fill up where items come in their order; the index has the ids of a second the other way round.
    page.sort((a, b) => b[1] - a[1] || a[2] - b[2]);
    for (const row of page) if (this.#isPublic(row)) this.#insert(row);
    this.#isBuilt = page.length < rows;
  }

  #recheck(rows: number): void {
    const recheck = this.#rechecks[0]!;
    const key = pubkeyKey(recheck.pubkey);
    const page = this.#sql.byAuthor.all(key, ...recheck.position, rows) as unknown as Row[];
    for (const row of page) if (hasPubkey(row[4], recheck.pubkey)) this.#decide(row);
    const last = page.at(-1);
    if (page.length < rows) this.#rechecks.shift();
    else recheck.position = [last![3], last![1], last![2], last![0]];
  }

  /** Has the event in the set, or not, as the bans are now. */
  #decide(row: Row): void {
    if (this.#isPublic(row)) this.#insert(row);
    else this.#remove(row[1], idOf(row[4]));
  }

  #isPublic([, , , kind, head]: Row): boolean {
    const { bannedPubkeys, bannedEvents } = this.#view;
    return !this.#view.isPrivate(kind) &&
      !(bannedPubkeys.size > 0 && bannedPubkeys.has(pubkeyOf(head))) &&
      !(bannedEvents.size > 0 && bannedEvents.has(idOf(head)));
  }

  #insert([, age, , , head]: Row): void {
    this.#id.setFromHex(idOf(head));
    this.#tree!.insert(-age, this.#id);
  }

  #remove(age: number, id: string): void {
    this.#id.setFromHex(id);
    this.#tree!.remove(-age, this.#id);
  }
}

/** What is in one set and not in the other. */
function differences(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  return a.symmetricDifference(b);
}

/** The log with what the set keeps of an entry. */
function logRows(db: DatabaseSync): LogRows<Row, RemovalRow> {
  const additions = ofBoth((of) =>
    `SELECT ${COLUMNS} FROM ${of}event x CROSS JOIN body b ON b.seq = x.seq WHERE x.seq > ?1 AND x.seq <= ?2`
  );
  return new LogRows(db, {
    additions: `${additions} ORDER BY 1 LIMIT ?3+0`,
    removals: "SELECT seq, age, id FROM removal WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3+0",
  });
}

function prepareStatements(db: DatabaseSync) {
  const sql = (text: string): StatementSync => returnArrays(db.prepare(text));
  return {
    vanishing: sql("SELECT 1 FROM vanish WHERE is_pending = 1 LIMIT 1"),
    oldest: sql(
      `${
        ofBoth((of) =>
          `SELECT ${COLUMNS} FROM ${of}event x INDEXED BY ${of}event_time CROSS JOIN body b ON b.seq = x.seq
         WHERE (x.age, x.id_key, x.seq) < (?1, ?2, ?3)`
        )
      } ORDER BY 2 DESC, 3 DESC, 1 DESC LIMIT ?4+0`,
    ),
    expired: sql(`${
      ofBoth((of) =>
        `SELECT ${COLUMNS} FROM body b CROSS JOIN ${of}event x ON x.seq = b.seq
         WHERE b.expires_at > 0 AND b.expires_at <= ?1`
      )
    } LIMIT ?2+0`),
    byIdKey: sql(
      ofBoth((of) =>
        `SELECT ${COLUMNS} FROM ${of}event x INDEXED BY ${of}event_id CROSS JOIN body b ON b.seq = x.seq
       WHERE x.id_key = ?1`
      ),
    ),
    byAuthor: sql(
      `${
        ofBoth((of) =>
          `SELECT ${COLUMNS} FROM ${of}event x INDEXED BY ${of}event_author CROSS JOIN body b ON b.seq = x.seq
         WHERE x.pubkey_key = ?1 AND (x.kind, x.age, x.id_key, x.seq) > (?2, ?3, ?4, ?5)`
        )
      } ORDER BY 4, 2, 3, 1 LIMIT ?6+0`,
    ),
  };
}
