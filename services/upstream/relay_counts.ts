/**
 * What one upstream relay has sent and was sent, since it was added.
 * Runs on an upstream worker, which owns it.
 *
 * @module
 */
import type { RelayRow } from "../../lib/upstream/relay_table.ts";

/** Counts of one relay; the fields are those of its row. */
export class RelayCounts {
  received = 0;
  added = 0;
  duplicates = 0;
  invalid = 0;
  unasked = 0;
  sent = 0;
  accepted = 0;
  refused = 0;
  /** Seconds since 1970; 0: no event has come. */
  lastEventAt = 0;

  /** Goes on with the counts of an earlier life. */
  resume(row: RelayRow): void {
    this.received = row.received;
    this.added = row.added;
    this.duplicates = row.duplicates;
    this.invalid = row.invalid;
    this.unasked = row.unasked;
    this.sent = row.sent;
    this.accepted = row.accepted;
    this.refused = row.refused;
    this.lastEventAt = row.lastEventAt;
  }
}
