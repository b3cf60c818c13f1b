/**
 * The live part: a follower of the log, whose events go to the subscriptions of one gateway.
 * The gateway's thread owns it; its cursor needs no disk, because a new gateway has no subscriptions to owe anything.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { LIVE_RECORDS_PER_TURN } from "../../lib/limits.ts";
import { eventFacts, PackedEvent } from "../../lib/nostr/packed_event.ts";
import { idKey, pubkeyKey } from "../../lib/nostr/keys.ts";
import { Follower } from "../../lib/log/follower.ts";
import type { TailMemory, TailReader } from "../../lib/log/tail.ts";
import { eventOf } from "../../lib/nostr/exact.ts";
import { type IdRow, LogReader, type TextRow } from "../../lib/log/log_reader.ts";
import type { LiveEvent } from "../../lib/subscription/subscription_index.ts";
import { TAIL_EPHEMERAL, TAIL_HEADER_BYTES, TAIL_STORED } from "../../lib/log/tail_entry.ts";

/** Who sends live events to those that they are for. */
export interface Deliverer {
  /** Begins with the next one. `seq` is Infinity for an ephemeral one: no stored answer has it. */
  begin(event: LiveEvent, seq: number): void;
  /** Sends it on, to so many subscriptions at most. Returns how many were looked at. */
  deliver(most: number): number;
  /** Whether the last one is not sent to everybody yet. */
  readonly isDelivering: boolean;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const NO_MEMORY = { bytes: new Uint8Array(0), words: new Uint32Array(0), doubles: new Float64Array(0) };

/** One gateway's place in the log; see the module's text. */
export class LiveFeed {
  readonly #follower: Follower<TextRow, IdRow>;
  readonly #deliverer: Deliverer;
  readonly #packed = new PackedEvent(NO_MEMORY);
  #isAnyoneListening = false;
  /** Events that were read from SQLite and have not been delivered, the next one last. */
  #rows: TextRow[] = [];

  constructor(tail: TailMemory, db: DatabaseSync, deliverer: Deliverer) {
    this.#deliverer = deliverer;
    this.#follower = new Follower({
      log: new LogReader(db),
      sink: { add: (row) => this.#rows.push(row), remove: () => {} },
      tail,
      record: (tail) => this.#receive(tail),
    });
  }

  /**
   * Delivers what has come, up to a bound a turn, to `most` subscriptions at most: an event that is for more of them is
   * delivered in several turns. Returns the number of entries and parts of them that were seen.
   */
  drain(isAnyoneListening: boolean, most: number): number {
    this.#isAnyoneListening = isAnyoneListening;
    let seen = 0;
    let left = most;
    while (seen < LIVE_RECORDS_PER_TURN && left > 0) {
      if (this.#deliverer.isDelivering) left -= this.#deliverer.deliver(left);
      else if (!this.#next()) break;
      seen++;
    }
    return seen;
  }

  /** Takes the next entry. Returns false if there is none now. */
  #next(): boolean {
    const row = this.#rows.pop();
    if (row !== undefined) this.#receiveRow(row);
    else if (!this.#follower.next(LIVE_RECORDS_PER_TURN)) return false;
    else if (this.#rows.length > 0) this.#rows.reverse();
    return true;
  }

  #receive(tail: TailReader): void {
    const { type } = tail;
    if (!this.#isAnyoneListening || (type !== TAIL_STORED && type !== TAIL_EPHEMERAL)) return;
    const event = this.#packed.at(TAIL_HEADER_BYTES, tail);
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
    this.#deliverer.begin(live, type === TAIL_EPHEMERAL ? Infinity : this.#follower.cursor);
  }

  #receiveRow([seq, text]: TextRow): void {
    const facts = eventFacts(eventOf(text));
    this.#deliverer.begin({
      kind: facts.event.kind,
      createdAt: facts.event.created_at,
      idKey: idKey(facts.event.id),
      pubkeyKey: pubkeyKey(facts.event.pubkey),
      tagKeys: facts.tagKeys,
      text,
    }, seq);
  }
}
