/**
 * The live part: follows the log by its tail in shared memory, and by SQLite where the tail overtook it.
 * The gateway's thread owns it; its cursor needs no disk, because a new gateway has no subscriptions to owe anything.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { LIVE_RECORDS_PER_TURN } from "../../lib/limits.ts";
import { eventFacts, PackedEvent } from "../../lib/nostr/packed_event.ts";
import { idKey, pubkeyKey } from "../../lib/nostr/keys.ts";
import { TailFollower, type TailMemory } from "../../lib/log/tail.ts";
import { eventOf } from "../../lib/nostr/exact.ts";
import { type LogEntry, LogReader } from "../../lib/log/log_reader.ts";
import type { LiveEvent } from "../../lib/subscription/subscription_index.ts";
import { TAIL_EPHEMERAL, TAIL_HEADER_BYTES, TAIL_REACHED, TAIL_STORED } from "../../lib/log/tail_entry.ts";

/** Who sends live events to those that they are for. */
export interface Deliverer {
  /** Takes the next one. `seq` is Infinity for an ephemeral one: no stored answer has it. */
  take(event: LiveEvent, seq: number): void;
  /** Sends it on, to so many subscriptions at most. Returns how many were looked at. */
  deliver(most: number): number;
  /** Whether the last one is not sent to everybody yet. */
  readonly isDelivering: boolean;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const NO_MEMORY = { bytes: new Uint8Array(0), words: new Uint32Array(0), doubles: new Float64Array(0) };

/** One gateway's place in the log; see the module's text. */
export class LiveFeed {
  readonly #tail: TailFollower;
  readonly #log: LogReader;
  readonly #deliverer: Deliverer;
  readonly #packed = new PackedEvent(NO_MEMORY);
  /** The last entry delivered. */
  #seq: number;
  /** Entries up to this one are read from SQLite: the tail has lost them. */
  #behindUntil = 0;
  /** Entries that were read from SQLite and have not been delivered. */
  #entries: readonly LogEntry[] = [];

  constructor(tail: TailMemory, db: DatabaseSync, deliverer: Deliverer) {
    // The tail's end first, then the log's: what comes between is met twice, and the cursor drops it.
    this.#tail = new TailFollower(tail);
    this.#log = new LogReader(db);
    this.#seq = this.#log.lastSeq;
    this.#deliverer = deliverer;
  }

  /**
   * Delivers what has come, up to a bound a turn, to `most` subscriptions at most: an event that is for more of them is
   * delivered in several turns. Returns the number of entries and parts of them that were seen.
   */
  drain(isAnyoneListening: boolean, most: number): number {
    let seen = 0;
    let left = most;
    while (seen < LIVE_RECORDS_PER_TURN && left > 0) {
      if (this.#deliverer.isDelivering) left -= this.#deliverer.deliver(left);
      else if (!this.#next(isAnyoneListening)) break;
      seen++;
    }
    return seen;
  }

  /** Takes the next entry. Returns false if there is none now. */
  #next(isAnyoneListening: boolean): boolean {
    if (this.#behindUntil > this.#seq) return this.#catchUp();
    const step = this.#tail.next();
    if (step === "empty") return false;
    if (step === "lapped") {
      this.#tail.jumpToEnd();
      this.#behindUntil = this.#log.lastSeq;
    } else this.#take(isAnyoneListening);
    return true;
  }

  #take(isAnyoneListening: boolean): void {
    const { record, type } = this.#tail;
    const buffer = record.buffer as ArrayBuffer;
    const seq = new Float64Array(buffer, 0, 1)[0]!;
    if (type !== TAIL_EPHEMERAL) {
      if (seq <= this.#seq) return;
      if (seq > this.#seq + 1 || type === TAIL_REACHED) {
        // A store that died has not published what lies between; this entry itself is in SQLite too.
        this.#behindUntil = seq;
        return;
      }
      this.#seq = seq;
    }
    if (!isAnyoneListening || (type !== TAIL_STORED && type !== TAIL_EPHEMERAL)) return;
    const event = this.#packed.at(TAIL_HEADER_BYTES, {
      bytes: record,
      words: new Uint32Array(buffer),
      doubles: new Float64Array(buffer),
    });
    const tagKeys: number[] = [];
    for (let tag = 0; tag < event.tagCount; tag++) tagKeys.push(event.tagKey(tag));
    const live = {
      kind: event.kind,
      createdAt: event.createdAt,
      idKey: event.idKey,
      pubkeyKey: event.pubkeyKey,
      tagKeys,
      text: decoder.decode(event.text),
    };
    this.#deliverer.take(live, type === TAIL_EPHEMERAL ? Infinity : seq);
  }

  #catchUp(): boolean {
    if (this.#entries.length === 0) this.#entries = this.#log.read(this.#seq, LIVE_RECORDS_PER_TURN);
    const [entry] = this.#entries;
    if (entry === undefined) {
      this.#behindUntil = this.#seq;
      return true;
    }
    this.#entries = this.#entries.slice(1);
    this.#seq = entry.seq;
    if (entry.type !== "add") return true;
    const facts = eventFacts(eventOf(entry.text));
    this.#deliverer.take({
      kind: facts.event.kind,
      createdAt: facts.event.created_at,
      idKey: idKey(facts.event.id),
      pubkeyKey: pubkeyKey(facts.event.pubkey),
      tagKeys: facts.tagKeys,
      text: entry.text,
    }, entry.seq);
    return true;
  }
}
