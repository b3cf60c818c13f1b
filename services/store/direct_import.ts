/**
 * Imports events into a store that no relay serves: the verifier's and the store's work, one after the other.
 * Runs on one thread, which holds the lock on the data directory.
 *
 * @module
 */
import type { Config } from "../../lib/config.ts";
import { IMPORT_LINES_BYTES } from "../../lib/limits.ts";
import { createPackTarget, FLAG_EPHEMERAL, PackedEvent } from "../../lib/nostr/packed_event.ts";
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

const encoder = new TextEncoder();
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
  readonly #tally = new ImportTally();
  #packed = createPackTarget(1024 * 1024);
  readonly #event = new PackedEvent(this.#packed);
  /** The lines of a batch, as messages. */
  readonly #lines = new Uint8Array(IMPORT_LINES_BYTES);
  #linesUsed = 0;

  constructor(config: Config, verifier: SignatureVerifier, { verify, policy }: DirectImportOptions) {
    this.#db = openForWriting(storePath(config.DATA_DIR), {
      durability: config.DURABILITY,
      cacheMebibytes: config.CACHE_MB,
    });
    this.#store = new EventStore(this.#db, config.RELAY_URL);
    this.#verifier = verifier;
    // No decisions are read here, and so nobody who has joined is known: that authors are members is not asked.
    const content = contentPolicy({ ...config, MEMBERSHIP: "off" }, new ManagementView());
    this.#intake = new EventIntake(verifier, both(content, policy));
    this.#intake.attach(0, this.#lines);
    this.#trusted = !verify;
  }

  /** Takes one line; what became of it is known after the next flush. */
  add(line: string): void {
    const text = `["EVENT",${line}]`;
    const bytesMax = text.length * 3;
    if (!this.#intake.hasRoom || this.#linesUsed + bytesMax > this.#lines.length) this.flush();
    this.#tally.read();
    const context = fromNobody(Math.floor(Date.now() / 1000));
    if (bytesMax > this.#lines.length) return this.#intake.addText(text, context, this.#trusted);
    const start = this.#linesUsed;
    this.#linesUsed += encoder.encodeInto(text, this.#lines.subarray(start)).written;
    this.#intake.add({ source: 0, start, end: this.#linesUsed }, context, this.#trusted);
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
    if (this.#store.isSettlingDue) this.#store.settle();
    this.#intake.clear();
    this.#linesUsed = 0;
  }

  report(done: boolean): ImportReport {
    return this.#tally.report(done);
  }

  close(): void {
    this.#db.close();
    this.#verifier.close();
  }

  #write(entry: IntakeEntry): void {
    if (entry.refusal !== null) return this.#tally.refused(entry.refusal.message);
    const bytes = this.#intake.packedBytesMax(entry);
    if (bytes > this.#packed.bytes.length) this.#packed = createPackTarget(2 ** Math.ceil(Math.log2(bytes)));
    this.#intake.pack(entry, this.#packed, 0);
    const event = this.#event.at(0, this.#packed);
    if (event.flags & FLAG_EPHEMERAL) {
      return this.#tally.refused("invalid: an ephemeral event is never stored");
    }
    const outcome = this.#store.add(event);
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
