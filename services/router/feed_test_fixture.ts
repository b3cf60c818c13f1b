/**
 * A store that a test writes to, with its tail, and feeds that follow it.
 * Runs on a test's thread; belongs to the test.
 *
 * @module
 */
import { readEventFilter } from "../../lib/forward/event_filter.ts";
import { ForwardRights } from "../../lib/forward/forward_rights.ts";
import { createTailMemory, TailProducer } from "../../lib/log/tail.ts";
import { TAIL_EPHEMERAL, TAIL_REMOVED, TAIL_STORED } from "../../lib/log/tail_entry.ts";
import type { NostrEvent } from "../../lib/nostr/event.ts";
import { PrivateKinds } from "../../lib/policy/private_kinds.ts";
import { ReadGate } from "../../lib/policy/read_gate.ts";
import { openForFollowing, openForWriting } from "../../lib/store/keep/open.ts";
import { EventStore } from "../../lib/store/write/event_store.ts";
import { packed } from "../../tests/support/pack_event.ts";
import { LogFeed } from "./log_feed.ts";

/** See the module's text. */
export class FedStore implements Disposable {
  readonly #path = Deno.makeTempDirSync({ prefix: "sluice-feed-" });
  readonly #db = openForWriting(`${this.#path}/events.db`, { durability: "normal", cacheMebibytes: 1 });
  readonly #store = new EventStore(this.#db);
  readonly #tail = createTailMemory(8_192);
  readonly #producer = new TailProducer(this.#tail);
  readonly #readers: { close(): void }[] = [];
  readonly banned = { bannedPubkeys: new Set<string>(), bannedEvents: new Set<string>() };

  /** Stores an event and publishes it, or passes it on if it is ephemeral. */
  write(event: NostrEvent): void {
    const record = packed(event);
    if (event.kind >= 20_000 && event.kind < 30_000) {
      return this.#producer.append(TAIL_EPHEMERAL, seqBytes(this.#store.lastSeq), record.packed);
    }
    this.#store.begin();
    const isStored = this.#store.add(record) === "stored";
    this.#store.commit();
    const entries = this.#store.removals.map(({ seq, id }) => ({
      seq,
      type: TAIL_REMOVED,
      body: Uint8Array.fromHex(id),
    }));
    if (isStored) entries.push({ seq: this.#store.addedSeq, type: TAIL_STORED, body: record.packed.slice() });
    entries.sort((a, b) => a.seq - b.seq);
    for (const { seq, type, body } of entries) this.#producer.append(type, seqBytes(seq), body);
  }

  /** A feed that begins now, of the events that `filter` matches. */
  feed(filter: Record<string, unknown> = {}): LogFeed {
    const db = openForFollowing(`${this.#path}/events.db`);
    this.#readers.push(db);
    const matching = readEventFilter(filter);
    const gate = new ReadGate(new PrivateKinds(new Set([4])), this.banned);
    const rights = new ForwardRights({ gate, filter: matching, nowSeconds: () => 1_000 });
    return new LogFeed({ db, tail: this.#tail, filter: matching, rights });
  }

  [Symbol.dispose](): void {
    for (const reader of this.#readers) reader.close();
    this.#db.close();
    Deno.removeSync(this.#path, { recursive: true });
  }
}

function seqBytes(seq: number): Uint8Array {
  return new Uint8Array(new Float64Array([seq]).buffer);
}
