/**
 * The report of `/health`: what an operator or a monitor wants to know at a glance.
 * Runs on a gateway thread; holds no state.
 *
 * @module
 */
import { HEALTH_CONNECTIONS_MAX } from "../../../lib/limits.ts";
import type { RelayStatus, SearchStatus, StoreStatus, VerifierStatus } from "./relay_status.ts";

/** The report. */
interface HealthReport {
  /** `degraded`: events are taken and served, searches are not; `failing`: the disk takes no events. */
  readonly status: "ok" | "degraded" | "failing" | "starting" | "draining";
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly queueLength: number;
  readonly subscriptions: {
    /** Of the whole relay. */
    readonly total: number;
    /** The connections of the answering gateway that hold the most, at most `HEALTH_CONNECTIONS_MAX`. */
    readonly byConnection: Readonly<Record<string, number>>;
  };
  readonly durability: string;
  readonly store: StoreStatus;
  readonly verifier: VerifierStatus | null;
  readonly search: SearchStatus | null;
}

/** The report of this moment. */
export function healthReport(status: RelayStatus): HealthReport {
  const search = status.search();
  const verifier = status.verifier();
  return {
    status: overall(status, search),
    version: status.information().version,
    uptimeSeconds: Math.floor(status.uptimeSeconds()),
    queueLength: status.queueLength(),
    subscriptions: {
      total: status.subscriptions(),
      byConnection: Object.fromEntries(greatest(status.subscriptionsByConnection())),
    },
    durability: status.durability,
    store: status.store(),
    verifier,
    search,
  };
}

function overall(status: RelayStatus, search: SearchStatus | null): HealthReport["status"] {
  const phase = status.phase();
  if (phase !== "ready") return phase;
  if (!status.store().writable) return "failing";
  return search?.available ? "ok" : "degraded";
}

function greatest(counts: Iterable<readonly [string, number]>): (readonly [string, number])[] {
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, HEALTH_CONNECTIONS_MAX);
}
