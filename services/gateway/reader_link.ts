/**
 * A gateway's lanes to the readers and back. A query stays with one reader; what it asked and where it stood is kept here,
 * so that it can be asked again if that reader dies.
 * The gateway's thread owns it.
 *
 * @module
 */
import { GATEWAY_SLICES_PER_TURN } from "../../lib/limits.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import type { Filter } from "../../lib/nostr/filter.ts";
import { LaneConsumer, LaneProducer } from "../../lib/queue/lane.ts";
import type { RelayMemory } from "../../wire/memory.ts";
import {
  FULL_SET_READER,
  isTimeWindow,
  type QueryName,
  type QueryPosition,
  type ReaderQuery,
  sendCancel,
  sendContinue,
  sendMessage,
  sendQuery,
} from "../../wire/query.ts";
import { type SliceNote, SliceRecord, type SliceState } from "../../wire/slice.ts";

/** A slice as it came. `rows` may be walked once, at once. */
export interface SliceHeader {
  readonly state: SliceState;
  readonly note: SliceNote;
  rows(visit: (text: string, seq: number) => void): void;
}

/** What a reader can be asked: a stored query, or a negentropy session. */
export interface AskedQuery {
  /** Unique among its kind within this life of the gateway; decides which reader it stays with. */
  readonly number: number;
  readonly type: ReaderQuery["type"];
  readonly connection: { readonly number: number };
  readonly filters: readonly Filter[];
  readonly position: QueryPosition | null;
  readonly seqMax: number;
  readonly now: number;
  /** The keys that the client has proved, by which the reader chooses what it may know of. */
  readonly keys: readonly string[];
  /** Of a session: the message that is not answered yet, in hex. */
  readonly message: string;
  /** The number under which a reader knows it; 0 while none was asked. */
  askedAs: number;
  readonly isCancelled: boolean;
  /** Takes a slice. */
  readonly onSlice: (slice: SliceHeader) => void;
}

/** How long to wait before trying a full lane again, ms. */
const LANE_FULL_RETRY_MS = 2;

/** One gateway's side of the conversation with all readers. */
export class ReaderLink {
  readonly #epoch: number;
  readonly #eventsMax: () => number;
  readonly #queries: LaneProducer[];
  readonly #rows: LaneConsumer[];
  readonly #slice = new SliceRecord();
  readonly #bells: Doorbell[];
  /** By the number under which it was last asked: a slice that answers an earlier asking meets nobody. */
  readonly #open = new Map<number, AskedQuery>();
  #lastAsked = 0;

  /** @param eventsMax The most events that a negentropy session may select. */
  constructor(memory: RelayMemory, gateway: number, epoch: number, eventsMax: () => number) {
    this.#epoch = epoch;
    this.#eventsMax = eventsMax;
    this.#queries = memory.queries[gateway]!.map((lane) => new LaneProducer(lane));
    this.#rows = memory.rows.map((lanes) => new LaneConsumer(lanes[gateway]!));
    this.#bells = memory.bells.reader.map((bell) => new Doorbell(bell));
  }

  /** Asks the query's reader, from the query's position on. Returns false if its lane is full. */
  ask(query: AskedQuery): boolean {
    const number = (this.#lastAsked + 1) >>> 0;
    const asked: ReaderQuery = {
      epoch: this.#epoch,
      number,
      connection: query.connection.number,
      type: query.type,
      filters: query.filters,
      position: query.position ?? { filter: 0, scan: null },
      seqMax: query.seqMax,
      now: query.now,
      message: query.message,
      keys: query.keys,
    };
    if (!sendQuery(this.#laneOf(query), asked)) return false;
    this.#ring(query);
    this.#lastAsked = number;
    this.#open.delete(query.askedAs);
    query.askedAs = number;
    this.#open.set(number, query);
    return true;
  }

  /** Asks for the next slice. */
  more(query: AskedQuery): void {
    if (sendContinue(this.#laneOf(query), this.#nameOf(query))) return this.#ring(query);
    // A lane that is full of queries has room again in a moment.
    setTimeout(() => query.isCancelled || this.more(query), LANE_FULL_RETRY_MS);
  }

  /** Passes a session's message on. */
  answer(query: AskedQuery): void {
    if (sendMessage(this.#laneOf(query), this.#nameOf(query), query.message)) return this.#ring(query);
    setTimeout(() => query.isCancelled || this.answer(query), LANE_FULL_RETRY_MS);
  }

  /** Tells the reader that nobody waits. If its lane is full it finds out by itself: it forgets what is never continued. */
  cancel(query: AskedQuery): void {
    if (!this.#open.delete(query.askedAs)) return;
    if (sendCancel(this.#laneOf(query), this.#nameOf(query))) this.#ring(query);
  }

  /** Asks again for everything that the reader who died had not answered. */
  readerRestarted(reader: number): void {
    for (const query of [...this.#open.values()]) {
      if (this.#readerOf(query) === reader) this.#askAgain(query);
    }
  }

  #askAgain(query: AskedQuery): void {
    if (query.isCancelled || this.ask(query)) return;
    setTimeout(() => this.#askAgain(query), LANE_FULL_RETRY_MS);
  }

  /** Hands out the slices that have come, a few of each reader. Returns their number. */
  drain(): number {
    let slices = 0;
    for (const lane of this.#rows) {
      for (let n = 0; n < GATEWAY_SLICES_PER_TURN && lane.next(); n++) {
        slices++;
        this.#receive(lane);
      }
      lane.release();
    }
    if (slices > 0) { for (const bell of this.#bells) bell.ring(); }
    return slices;
  }

  #receive(lane: LaneConsumer): void {
    const slice = this.#slice.at(lane);
    if (slice.epoch !== this.#epoch) return;
    const query = this.#open.get(slice.number);
    if (query === undefined) return;
    const { state, note } = slice;
    if (state !== "more") this.#open.delete(query.askedAs);
    query.onSlice({ state, note, rows: (visit) => slice.walk(visit) });
  }

  #nameOf(query: AskedQuery): QueryName {
    return { epoch: this.#epoch, number: query.askedAs };
  }

  #laneOf(query: AskedQuery): LaneProducer {
    return this.#queries[this.#readerOf(query)]!;
  }

  #ring(query: AskedQuery): void {
    this.#bells[this.#readerOf(query)]!.ring();
  }

  #readerOf(query: AskedQuery): number {
    const isOfAll = query.type === "sync" && isTimeWindow(query.filters[0]!, this.#eventsMax());
    return isOfAll ? FULL_SET_READER : query.number % this.#queries.length;
  }
}
