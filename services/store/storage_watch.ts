/**
 * What the store knows of its disk: whether it takes events, and if not, since when it is tried again.
 * The store's thread owns it.
 *
 * A disk that is full, read-only or failing refuses events until a write succeeds again; while no client writes, a probe
 * does. A file that is damaged takes no more events until a restart, whose check names the damage: to write on would
 * spread it.
 *
 * @module
 */
import { STORAGE_PROBE_BYTES, STORAGE_PROBE_INTERVAL_MS } from "../../lib/limits.ts";
import { slotsOf } from "../../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { type StorageFault, storageFault } from "../../lib/sqlite/storage_fault.ts";
import type { Logger } from "../../runtime/logger.ts";

const FAULTS = slotsOf("nostr_store_fault");

/** See the module's text. */
export class StorageWatch {
  readonly #metrics: ThreadMetrics;
  readonly #log: Logger;
  readonly #scratchPath: string;
  #fault: StorageFault | null = null;
  #probeAtMs = 0;

  /** @param scratchPath A file beside the store that may be written and removed. */
  constructor(metrics: ThreadMetrics, log: Logger, scratchPath: string) {
    this.#metrics = metrics;
    this.#log = log;
    this.#scratchPath = scratchPath;
  }

  /** What keeps the store from writing, or null. */
  get fault(): StorageFault | null {
    return this.#fault;
  }

  /** Whether the store is damaged: nothing is to be written any more. */
  get isDamaged(): boolean {
    return this.#fault === "corrupt";
  }

  /** Takes an error of a write. Returns whether it tells of the disk, and so of no event in particular. */
  failed(error: unknown): boolean {
    const fault = storageFault(error);
    if (fault === null) return false;
    this.#probeAtMs = Date.now() + STORAGE_PROBE_INTERVAL_MS;
    if (fault === this.#fault || this.isDamaged) return true;
    this.#set(fault);
    this.#log.error(`events are refused, the disk is at fault (${fault}): ${(error as Error).message}`);
    if (fault === "corrupt") {
      this.#log.error(
        "the store is damaged: stop, put a backup into an empty DATA_DIR (deno task restore), or save what can be " +
          "read (deno task export)",
      );
    }
    return true;
  }

  /** A write succeeded. */
  succeeded(): void {
    if (this.#fault === null || this.isDamaged) return;
    this.#set(null);
    this.#log.info("the disk takes events again");
  }

  /** Tries, now and then, whether the disk takes writes again; `write` writes a little to the store. */
  probe(write: () => void): void {
    if (this.#fault === null || this.isDamaged || Date.now() < this.#probeAtMs) return;
    this.#probeAtMs = Date.now() + STORAGE_PROBE_INTERVAL_MS;
    try {
      // A little may fit where a group would not.
      Deno.writeFileSync(this.#scratchPath, new Uint8Array(STORAGE_PROBE_BYTES));
      write();
      this.succeeded();
    } catch (error) {
      this.failed(error);
    } finally {
      this.#removeScratch();
    }
  }

  #removeScratch(): void {
    try {
      Deno.removeSync(this.#scratchPath);
    } catch {
      // It could not be made, or the disk is read-only by now; the next probe writes it again.
    }
  }

  #set(fault: StorageFault | null): void {
    if (this.#fault !== null) this.#metrics.set(FAULTS[this.#fault], 0);
    this.#fault = fault;
    if (fault !== null) this.#metrics.set(FAULTS[fault], 1);
  }
}
