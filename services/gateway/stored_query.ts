/**
 * One stored query on its way: what it asks, how far it is, and who answers it.
 * The gateway's thread owns it; `stored_queries.ts` moves it on.
 *
 * @module
 */
import { GATEWAY_QUERY_ROWS_MAX } from "../../lib/limits.ts";
import type { Filter } from "../../lib/nostr/filter.ts";
import type { Completeness } from "../../lib/nostr/relay_message.ts";
import type { ReadingRights } from "../../lib/policy/read_gate.ts";
import type { CachedScan } from "../../lib/store/read/cached_scan.ts";
import { PausedScan } from "../../lib/store/read/paused_scan.ts";
import type { EventScan, ScanEnd } from "../../lib/store/read/scan.ts";
import type { QueryPosition } from "../../wire/query.ts";
import type { Connection, Subscription } from "./connection.ts";
import type { AskedQuery, SliceHeader } from "./reader_link.ts";

/** Who answered a query, for the metrics. */
type QueryPlace = "gateway" | "reader" | "search";

function ignoreSlice(): void {}

/** One stored query on its way. */
export class StoredQuery implements AskedQuery {
  /** A stored query has no messages beyond its filters. */
  readonly message = "";
  /** The filter that is being answered. */
  filter = 0;
  readonly scan: PausedScan<EventScan | CachedScan>;
  /** Whether the scan asks of each event whether the client may read it. */
  scanAsks = false;
  /** How the filters before it ended. */
  readonly ends: ScanEnd[] = [];
  /** Rows already sent, where several filters, or a search that is done again, could send one twice. */
  sent: Set<number> | null;
  place: QueryPlace = "gateway";
  /** The reader that has it, and where it stands there; null while the gateway answers it. */
  position: QueryPosition | null = null;
  /** The number under which a reader knows it; 0 while none was asked. */
  askedAs = 0;
  isCancelled = false;
  /** Whether its client had no room for the rest of a slice: the slice is asked for again. */
  isCutShort = false;
  /** Set when a reader is asked. */
  onSlice: (slice: SliceHeader) => void = ignoreSlice;
  rowsLeft = GATEWAY_QUERY_ROWS_MAX;

  constructor(
    /** Unique within this life of the gateway. */
    readonly number: number,
    readonly type: "rows" | "count",
    readonly connection: Connection,
    /** Null for a COUNT. */
    readonly subscription: Subscription | null,
    readonly subscriptionId: string,
    readonly filters: readonly Filter[],
    now: number,
    readonly startedMs: number,
    /** What of all that the filters match the client may know of. */
    readonly rights: ReadingRights,
  ) {
    this.scan = new PausedScan(0, now);
    const mayRepeat = filters.length > 1 || filters.some((filter) => filter.search !== undefined);
    this.sent = mayRepeat ? new Set() : null;
  }

  /** The newest entry of the log when it began: what came later is not part of it. */
  get seqMax(): number {
    return this.scan.seqMax;
  }

  get now(): number {
    return this.scan.now;
  }

  get keys(): readonly string[] {
    return this.connection.provedKeys;
  }

  /**
   * What is known of the events that match and were not sent (NIP-67), when every filter has ended. An event that one
   * filter left out may have been sent by another; then nothing is known.
   */
  get completeness(): Completeness {
    if (this.ends.every((end) => end === "all")) return "finish";
    return this.ends.some((end) => typeof end === "number" && !this.sent?.has(end)) ? "more" : null;
  }
}
