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
import { TailFollower, type TailMemory } from "../../lib/queue/tail.ts";
import { eventOf } from "../../lib/store/exact.ts";
import { LogReader } from "../../lib/store/log.ts";
import type { LiveEvent } from "../../lib/subscription/subscription_index.ts";
import { TAIL_EPHEMERAL, TAIL_HEADER_BYTES, TAIL_REACHED, TAIL_STORED } from "../store/messages.ts";

/** Takes a live event, returns how often it was sent. `seq` is Infinity for an ephemeral one: no stored answer has it. */
export type Deliver = (event: LiveEvent, seq: number) => number;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const NO_MEMORY = { bytes: new Uint8Array(0), words: new Uint32Array(0), doubles: new Float64Array(0) };

/** One gateway's place in the log; see the module's text. */
export class LiveFeed {
  readonly #tail: TailFollower;
  readonly #log: LogReader;
  readonly #deliver: Deliver;
  readonly #packed = new PackedEvent(NO_MEMORY);
  /** The last entry delivered. */
  #seq: number;
  /** Entries up to this one are read from SQLite: the tail has lost them. */
  #behindUntil = 0;
  /** Messages sent in this turn. */
  #sent = 0;

  constructor(tail: TailMemory, db: DatabaseSync, deliver: Deliver) {
    // The tail's end first, then the log's: what comes between is met twice, and the cursor drops it.
    this.#tail = new TailFollower(tail);
    this.#log = new LogReader(db);
    this.#seq = this.#log.lastSeq;
    this.#deliver = deliver;
  }

  /** Delivers what has come, up to a bound a turn, and `most` messages or few more. Returns the number of entries seen. */
  drain(isAnyoneListening: boolean, most: number): number {
    if (this.#behindUntil > this.#seq) return this.#catchUp();
    let seen = 0;
    this.#sent = 0;
    while (seen < LIVE_RECORDS_PER_TURN && this.#sent < most) {
      const step = this.#tail.next();
      if (step === "empty") break;
      seen++;
      if (step === "lapped") {
        this.#tail.jumpToEnd();
        this.#behindUntil = this.#log.lastSeq;
        break;
      }
      this.#take(isAnyoneListening);
      if (this.#behindUntil > this.#seq) break;
    }
    return seen;
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
    this.#sent += this.#deliver(live, type === TAIL_EPHEMERAL ? Infinity : seq);
  }

  #catchUp(): number {
    const entries = this.#log.read(this.#seq, LIVE_RECORDS_PER_TURN);
    if (entries.length === 0) this.#behindUntil = this.#seq;
    for (const entry of entries) {
      this.#seq = entry.seq;
      if (entry.type !== "add") continue;
      const facts = eventFacts(eventOf(entry.text));
      this.#deliver({
        kind: facts.event.kind,
        createdAt: facts.event.created_at,
        idKey: idKey(facts.event.id),
        pubkeyKey: pubkeyKey(facts.event.pubkey),
        tagKeys: facts.tagKeys,
        text: entry.text,
      }, entry.seq);
    }
    return Math.max(1, entries.length);
  }
}
