/**
 * Imports events into a store that no relay serves: the verifier's and the store's work, one after the other.
 * Runs on one thread, which holds the lock on the data directory.
 *
 * @module
 */
import type { Config } from "../../lib/config.ts";
import { FLAG_EPHEMERAL, packedBytesMax, PackedEvent, packEvent } from "../../lib/nostr/packed_event.ts";
import { ManagementView } from "../../lib/management/view.ts";
import { contentPolicy } from "../../lib/policy/configured.ts";
import { type EventPolicy, fromNobody } from "../../lib/policy/policy.ts";
import { EventStore } from "../../lib/store/event_store.ts";
import { openForWriting } from "../../lib/store/open.ts";
import { EventIntake, type IntakeEntry } from "../../lib/verify/event_intake.ts";
import type { SignatureVerifier } from "../../lib/verify/verifier.ts";
import { ImportTally } from "../control/handle.ts";
import type { ImportReport } from "../control/messages.ts";
import { storePath } from "../data_paths.ts";

/** What the operator decides about an import. */
export interface DirectImportOptions {
  /** False takes signatures for granted. */
  readonly verify: boolean;
  /** Asked after the configured policies, or null. */
  readonly policy: EventPolicy | null;
}

/** One import; `add` lines, `flush` now and then, `close` at the end. */
export class DirectImport {
  readonly #db;
  readonly #store: EventStore;
  readonly #intake: EventIntake;
  readonly #verifier: SignatureVerifier;
  readonly #trusted: boolean;
  #buffer = new ArrayBuffer(1024 * 1024);
  readonly #tally = new ImportTally();

  constructor(config: Config, verifier: SignatureVerifier, { verify, policy }: DirectImportOptions) {
    this.#db = openForWriting(storePath(config.DATA_DIR), {
      durability: config.DURABILITY,
      cacheMebibytes: config.CACHE_MB,
    });
    this.#store = new EventStore(this.#db, config.RELAY_URL);
    this.#verifier = verifier;
    this.#intake = new EventIntake(verifier, both(contentPolicy(config, new ManagementView()), policy));
    this.#trusted = !verify;
  }

  /** Takes one line; what became of it is known after the next flush. */
  add(line: string): void {
    if (!this.#intake.hasRoom) this.flush();
    this.#tally.read();
    this.#intake.add(`["EVENT",${line}]`, fromNobody(Math.floor(Date.now() / 1000)), this.#trusted);
  }

  /** Decides and writes what was added, as one transaction. */
  flush(): void {
    this.#intake.decide();
    this.#store.begin();
    try {
      for (const entry of this.#intake.entries) this.#write(entry);
      this.#store.commit();
    } catch (error) {
      this.#store.rollback();
      throw error;
    }
    this.#intake.clear();
  }

  report(done: boolean): ImportReport {
    return this.#tally.report(done);
  }

  close(): void {
    this.#db.close();
    this.#verifier.close();
  }

  #write({ facts, refusal }: IntakeEntry): void {
    if (facts === null) return this.#tally.refused(refusal!.message);
    if (facts.flags & FLAG_EPHEMERAL) {
      return this.#tally.refused("invalid: an ephemeral event is never stored");
    }
    const bytes = packedBytesMax(facts);
    if (bytes > this.#buffer.byteLength) this.#buffer = new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
    const target = {
      bytes: new Uint8Array(this.#buffer),
      words: new Uint32Array(this.#buffer),
      doubles: new Float64Array(this.#buffer),
    };
    packEvent(facts, Uint8Array.fromHex(facts.event.id), target, 0);
    const outcome = this.#store.add(new PackedEvent(target).at(0));
    if (outcome === "stored") this.#tally.stored();
    else if (outcome === "vanished") {
      this.#tally.refused("blocked: its author or recipient has asked to vanish");
    } else if (outcome === "deleted") this.#tally.refused("blocked: its author has deleted this event");
    else this.#tally.duplicate();
  }
}

function both(first: EventPolicy, second: EventPolicy | null): EventPolicy {
  return second === null ? first : (event, context) => first(event, context) ?? second(event, context);
}
