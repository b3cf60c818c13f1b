/**
 * `GET /api/forward`: each target with its place, its lag and its last failure, and those who fetch events.
 * Runs on the router's thread; no state.
 *
 * @module
 */
import { FORWARD_CONSUMERS_SHOWN_MAX } from "../../lib/limits.ts";
import { type ActorPage, pageReply } from "../../runtime/page_server.ts";
import type { ConsumerReport } from "./consumer.ts";

/** What is shown. */
interface Shown {
  /** The newest entry of the log that was read. */
  readonly endSeq: () => number;
  readonly targets: readonly { readonly seq: number; readonly report: object }[];
  readonly consumers: readonly { report(most: number): ConsumerReport[] }[];
}

/** The page. */
export function forwardPage({ endSeq, targets, consumers }: Shown): ActorPage {
  return {
    method: "GET",
    path: "/api/forward",
    answer: () => {
      const log_seq = endSeq();
      const lagged = <Row extends { readonly seq: number }>(row: Row) => ({
        ...row,
        lag_events: Math.max(0, log_seq - row.seq),
      });
      return pageReply({
        log_seq,
        targets: targets.map(({ seq, report }) => lagged({ ...report, seq })),
        consumers: consumers.flatMap((each) => each.report(FORWARD_CONSUMERS_SHOWN_MAX)).map(lagged),
      });
    },
  };
}
