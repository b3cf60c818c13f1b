/**
 * A scan that pauses between two steps, on its gateway's thread or its reader's, which owns it. Meanwhile time passes,
 * rights change and events are removed: what was removed, has expired or was hidden by then is in no answer. So it is
 * renewed before each step, and a scan that holds texts which may have been removed is left for one from its position.
 *
 * It is the options of its own scan, so that what is renewed here holds for the scan that is open.
 *
 * @module
 */
import type { CachedScan } from "./cached_scan.ts";
import type { EventScan, ScanOptions, ScanPosition } from "./scan.ts";

/** The scan of one filter after another; see the module's text. */
export class PausedScan<Kind extends EventScan | CachedScan = EventScan> implements ScanOptions {
  seqMax: number;
  now: number;
  mayRead: ((text: string) => boolean) | null = null;
  /** Where the scan that is opened next begins: a position of the asking, or that of one that was left. */
  position: ScanPosition | undefined;
  /** The scan that is under way; null: it has to be opened, with this as its options. */
  open: Kind | null = null;
  /** The newest removal of the log when what the scan holds was fetched. */
  removal = 0;

  /**
   * @param seqMax Events after this entry of the log are not part of the answer.
   * @param now Seconds since 1970.
   * @param position Where to begin; null: at the newest.
   */
  constructor(seqMax: number, now: number, position: ScanPosition | null = null) {
    this.seqMax = seqMax;
    this.now = now;
    this.position = position ?? undefined;
  }

  /** Where another scan of the same filter would go on; null: nowhere yet. */
  get place(): ScanPosition | null {
    return this.open?.position ?? this.position ?? null;
  }

  /**
   * Takes in what has changed.
   *
   * @param now Seconds since 1970; an earlier time than before counts as that one.
   * @param lastRemoval The newest removal of the log, of a reader that was refreshed.
   */
  renew(now: number, mayRead: PausedScan["mayRead"], lastRemoval: number): void {
    this.now = Math.max(this.now, now);
    this.mayRead = mayRead;
    if (this.open !== null && lastRemoval !== this.removal) {
      this.position = this.open.position;
      this.open = null;
    }
    this.removal = lastRemoval;
  }

  /** Goes on with a scan that was made with this as its options. */
  begin(scan: Kind): Kind {
    this.open = scan;
    this.position = undefined;
    return scan;
  }

  /** The filter has ended, or another thread goes on with it: the next scan begins anew. */
  end(): void {
    this.open = null;
    this.position = undefined;
  }
}
