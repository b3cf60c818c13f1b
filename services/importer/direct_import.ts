/**
 * Imports events into a store that no relay serves. A worker reads and verifies lines (`worker.ts`) while this thread,
 * which holds the lock on the data directory, writes those before.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { lineBlocksOf } from "../../lib/lines.ts";
import type { Config } from "../../lib/config/config.ts";
import { ownUrls } from "../../lib/relay/own_urls.ts";
import {
  IMPORT_CHUNK_BYTES,
  IMPORT_CHUNKS_AHEAD,
  IMPORT_FRESH_EVENTS_MAX,
  IMPORT_LINE_BYTES_MAX,
  IMPORT_QUIET_MS,
} from "../../lib/limits.ts";
import { MANAGEMENT_VERSION_BYTES, ManagementWriter } from "../../lib/management/change_log.ts";
import type { ManagementChange } from "../../lib/management/management_state.ts";
import { FLAG_EPHEMERAL, PackedEvent } from "../../lib/nostr/packed_event.ts";
import { EventStore } from "../../lib/store/write/event_store.ts";
import { openForWriting } from "../../lib/store/keep/open.ts";
import { ImportTally } from "../../runtime/import_tally.ts";
import type { ImportReport } from "../../wire/control_lines.ts";
import { managementPath, storePath } from "../../runtime/data_paths.ts";
import { type IntakeThread, startIntake } from "./intake_thread.ts";
import { withPauses } from "./with_pauses.ts";
import type { DecidedLines, IntakeStart, PackedBatch } from "../../wire/intake.ts";

const LINE_FEED = 10;

/** One import; `run` it once. */
export class DirectImport {
  readonly #db;
  readonly #store: EventStore;
  readonly #intake: IntakeThread;
  readonly #tally = new ImportTally();
  readonly #tell: (report: ImportReport) => void;
  /** Lines that were read, blank ones and those that were too long included. */
  #lines = 0;

  private constructor(config: Config, intake: IntakeThread, tell: (report: ImportReport) => void) {
    this.#db = openForWriting(storePath(config.DATA_DIR), {
      durability: config.DURABILITY,
      cacheMebibytes: config.CACHE_MB,
    });
    this.#store = new EventStore(this.#db, ownUrls(config), IMPORT_FRESH_EVENTS_MAX);
    this.#intake = intake;
    this.#tell = tell;
  }

  /** @param tell Hears now and then how far it is. */
  static async open(
    start: Omit<IntakeStart, "decisions">,
    tell: (report: ImportReport) => void,
  ): Promise<DirectImport> {
    const decisions = decisionsOf(start.config);
    return new DirectImport(start.config, await startIntake({ ...start, decisions }), tell);
  }

  /**
   * Takes all lines, decides and writes them; lines behind which nothing more comes for a moment do not wait for others.
   * What was told is on disk.
   */
  async run(bytes: AsyncIterable<Uint8Array>): Promise<ImportReport> {
    const writes: Promise<void>[] = [];
    let written = Promise.resolve();
    const bounds = {
      bytesMax: IMPORT_LINE_BYTES_MAX,
      blockBytes: IMPORT_CHUNK_BYTES,
      tooLong: () => this.#tooLong(),
    };
    try {
      for await (const lines of lineBlocksOf(withPauses(bytes, IMPORT_QUIET_MS), bounds)) {
        const before = this.#lines;
        this.#lines += linesIn(lines);
        const range = { before, last: this.#lines };
        const decision = this.#intake.decide(lines);
        written = Promise.all([decision, written]).then(([decided]) => this.#write(decided, range));
        // Where the worker dies while more is read, nobody waits for it yet; it is met in its turn.
        written.catch(() => {});
        writes.push(written);
        if (writes.length > IMPORT_CHUNKS_AHEAD) await writes.shift();
      }
      await written;
      // Else a relay's first act would be to pause for it.
      this.#store.mergeFresh();
    } finally {
      this.#intake.end();
      this.#db.close();
    }
    return this.#tally.report(true, this.#lines);
  }

  #tooLong(): void {
    this.#tally.read();
    this.#tally.refused(`invalid: a line is longer than ${IMPORT_LINE_BYTES_MAX} bytes`, ++this.#lines, "");
  }

  /** Writes what was decided as one transaction: of the lines behind `before`, up to `last`. */
  #write(
    { lines, batches, refusals }: DecidedLines,
    { before, last }: { readonly before: number; readonly last: number },
  ): void {
    for (let n = 0; n < lines; n++) this.#tally.read();
    for (const { line, id, reason } of refusals) this.#tally.refused(reason, before + line + 1, id);
    this.#store.begin();
    try {
      for (const batch of batches) this.#add(batch, before);
      this.#store.commit();
    } catch (error) {
      this.#store.rollback();
      throw error;
    }
    if (this.#store.isMergeDue) this.#store.mergeFresh();
    this.#tell(this.#tally.report(false, last));
  }

  #add({ buffer, offsets, lines }: PackedBatch, before: number): void {
    const event = new PackedEvent({
      bytes: new Uint8Array(buffer),
      words: new Uint32Array(buffer),
      doubles: new Float64Array(buffer),
    });
    for (const [n, offset] of offsets.entries()) this.#addOne(event.at(offset), before + lines[n]! + 1);
  }

  #addOne(event: PackedEvent, line: number): void {
    const refused = (reason: string) => this.#tally.refused(reason, line, event.id.toHex());
    if (event.flags & FLAG_EPHEMERAL) return refused("invalid: an ephemeral event is never stored");
    const outcome = this.#store.add(event);
    if (outcome === "stored") this.#tally.stored();
    else if (outcome === "vanished") refused("blocked: its author or recipient has asked to vanish");
    else if (outcome === "deleted") refused("blocked: its author has deleted this event");
    else this.#tally.duplicate();
  }
}

/** Lines of a block; the last one may lack its end. */
function linesIn(block: Uint8Array): number {
  let lines = block.at(-1) === LINE_FEED ? 0 : 1;
  for (let at = block.indexOf(LINE_FEED); at >= 0; at = block.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}

/** What the operator has decided (NIP-86), and who has joined (NIP-43); nothing where no relay has run yet. */
function decisionsOf({ DATA_DIR }: Config): ManagementChange[] {
  const path = managementPath(DATA_DIR);
  if (!existsSync(path)) return [];
  const version = new SharedArrayBuffer(MANAGEMENT_VERSION_BYTES);
  const writer = new ManagementWriter(path, version, { nowSeconds: () => Math.floor(Date.now() / 1000) });
  try {
    return writer.run((state) => state.everything());
  } finally {
    writer.close();
  }
}
