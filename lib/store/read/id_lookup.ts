/**
 * The answer to a filter of one id: what clients ask for most. A look-up of one key needs no plan, no merge and no order,
 * which cost more than the look-up itself.
 * Belongs to the thread whose connection it reads.
 *
 * @module
 */
import type { Filter } from "../../nostr/filter.ts";
import { createdAtOf } from "../../nostr/exact.ts";
import type { EventRow } from "./event_reader.ts";
import { FilterCheck } from "./filter_check.ts";
import type { EventScan, ScanBudget, ScanEnd, ScanOptions, ScanPosition } from "./scan.ts";

/** Where the event is looked up. */
interface RowsById {
  rowOf(id: string, options: Pick<ScanOptions, "now" | "mayRead">, budget: { rows: number }): EventRow | null;
}

/** Whether the filter asks for one id, and for its event. */
export function isIdLookup(filter: Filter): boolean {
  return filter.ids !== undefined && filter.ids.length === 1 && filter.limit > 0;
}

/** See the module's text. It is done after one step, whatever the budget: it costs a row, and those of one text. */
export class IdLookup implements EventScan {
  readonly #rows: RowsById;
  readonly #filter: Filter;
  readonly #options: ScanOptions;
  readonly openingRows = 1;
  end: ScanEnd = "unknown";
  createdAt = 0;

  constructor(rows: RowsById, filter: Filter, options: ScanOptions) {
    this.#rows = rows;
    this.#filter = filter;
    this.#options = options;
  }

  /** Where it begins: what is not done has looked at nothing. */
  get position(): ScanPosition {
    return { age: -Number.MAX_SAFE_INTEGER, idKey: -1, remaining: this.#filter.limit, tied: 0 };
  }

  step(budget: ScanBudget, emit: (text: string, seq: number) => void): "done" {
    const filter = this.#filter;
    const row = this.#rows.rowOf(filter.ids![0]!, this.#options, budget);
    this.end = "all";
    if (row === null || row.seq > this.#options.seqMax || !hasTheRest(filter, row.text)) return "done";
    budget.bytes -= row.text.length;
    this.createdAt = createdAtOf(row.text);
    emit(row.text, row.seq);
    return "done";
  }
}

/** Whether the filter's other conditions hold; nearly always there are none. */
function hasTheRest(filter: Filter, text: string): boolean {
  const { authors, kinds, tags, since, until } = filter;
  const hasNone = authors === undefined && kinds === undefined && tags.length === 0 && since === undefined &&
    until === undefined;
  return hasNone || new FilterCheck(filter).holds(text);
}
