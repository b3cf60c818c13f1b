/**
 * Imports events into a store that no relay serves. A worker reads and verifies lines (`worker.ts`) while this thread,
 * which holds the lock on the data directory, writes those before.
 *
 * @module
 */
import type { Config } from "../../lib/config.ts";
import { IMPORT_CHUNK_BYTES, IMPORT_CHUNKS_AHEAD } from "../../lib/limits.ts";
import { FLAG_EPHEMERAL, PackedEvent } from "../../lib/nostr/packed_event.ts";
import { EventStore } from "../../lib/store/event_store.ts";
import { openForWriting } from "../../lib/store/open.ts";
import { ImportTally } from "../control/handle.ts";
import type { ImportReport } from "../control/messages.ts";
import { storePath } from "../data_paths.ts";
import { type IntakeThread, startIntake } from "./handle.ts";
import type { DecidedLines, IntakeStart, PackedBatch } from "./messages.ts";

const LINE_FEED = 10;

/** One import; `run` it once. */
export class DirectImport {
  readonly #db;
  readonly #store: EventStore;
  readonly #intake: IntakeThread;
  readonly #tally = new ImportTally();
  readonly #tell: (report: ImportReport) => void;

  private constructor(config: Config, intake: IntakeThread, tell: (report: ImportReport) => void) {
    this.#db = openForWriting(storePath(config.DATA_DIR), {
      durability: config.DURABILITY,
      cacheMebibytes: config.CACHE_MB,
    });
    this.#store = new EventStore(this.#db, config.RELAY_URL);
    this.#intake = intake;
    this.#tell = tell;
  }

  /** @param tell Hears now and then how far it is. */
  static async open(start: IntakeStart, tell: (report: ImportReport) => void): Promise<DirectImport> {
    return new DirectImport(start.config, await startIntake(start), tell);
  }

  /** Takes all lines, decides and writes them. What was told is on disk. */
  async run(bytes: AsyncIterable<Uint8Array>): Promise<ImportReport> {
    const decided: Promise<DecidedLines>[] = [];
    const writeFirst = async () => this.#write(await decided.shift()!);
    try {
      for await (const lines of chunksOf(bytes)) {
        decided.push(this.#intake.decide(lines));
        if (decided.length > IMPORT_CHUNKS_AHEAD) await writeFirst();
      }
      while (decided.length > 0) await writeFirst();
    } finally {
      this.#intake.end();
      this.#db.close();
    }
    return this.#tally.report(true);
  }

  /** Writes what was decided as one transaction. */
  #write({ lines, batches, refusals }: DecidedLines): void {
    for (let n = 0; n < lines; n++) this.#tally.read();
    for (const reason of refusals) this.#tally.refused(reason);
    this.#store.begin();
    try {
      for (const batch of batches) this.#add(batch);
      this.#store.commit();
    } catch (error) {
      this.#store.rollback();
      throw error;
    }
    if (this.#store.isSettlingDue) this.#store.settle();
    this.#tell(this.#tally.report(false));
  }

  #add({ buffer, offsets }: PackedBatch): void {
    const event = new PackedEvent({
      bytes: new Uint8Array(buffer),
      words: new Uint32Array(buffer),
      doubles: new Float64Array(buffer),
    });
    for (const offset of offsets) this.#addOne(event.at(offset));
  }

  #addOne(event: PackedEvent): void {
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

/** The same bytes in pieces of whole lines, of about `IMPORT_CHUNK_BYTES`; only a longer line makes a longer piece. */
async function* chunksOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let gathered = new Uint8Array(2 * IMPORT_CHUNK_BYTES);
  let used = 0;
  for await (const piece of bytes) {
    if (used + piece.length > gathered.length) {
      const larger = new Uint8Array(Math.max(2 * gathered.length, used + piece.length));
      larger.set(gathered.subarray(0, used));
      gathered = larger;
    }
    gathered.set(piece, used);
    used += piece.length;
    if (used < IMPORT_CHUNK_BYTES) continue;
    const end = gathered.subarray(0, used).lastIndexOf(LINE_FEED) + 1;
    if (end === 0) continue;
    yield gathered.slice(0, end);
    gathered.copyWithin(0, end, used);
    used -= end;
  }
  if (used > 0) yield gathered.slice(0, used);
}
