/**
 * What the router makes of a target's answer, and how long it waits before it tries again.
 * Runs on the router's thread; no state.
 *
 * @module
 */
import { FORWARD_RETRY_AFTER_MS_MAX, FORWARD_RETRY_MS_MAX, FORWARD_RETRY_MS_MIN } from "../limits.ts";

/**
 * `taken`: the batch is delivered. `wait`: the target, or the way to it, has a fault that passes or that the operator
 * repairs, so the batch waits. `refused`: it is this batch that the target does not want. `too-long`: so much at once.
 */
type Judgement = "taken" | "wait" | "refused" | "too-long";

/** Statuses that speak about what was sent, rather than about the target. */
const REFUSALS: ReadonlySet<number> = new Set([400, 415, 422]);
const TOO_LONG = 413;

/** Judges a status of HTTP. */
export function judge(status: number): Judgement {
  if (status >= 200 && status < 300) return "taken";
  if (status === TOO_LONG) return "too-long";
  return REFUSALS.has(status) ? "refused" : "wait";
}

/** What decides about a pause. */
interface RetryFacts {
  /** In a row, this one included. */
  readonly failures: number;
  /** How long the target asked for, ms; null: it did not. */
  readonly retryAfterMs: number | null;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** The pause before the next attempt, ms: exponential with full jitter, and never less than the target asked for. */
export function retryDelayMs({ failures, retryAfterMs, random }: RetryFacts): number {
  const ceiling = Math.min(FORWARD_RETRY_MS_MAX, FORWARD_RETRY_MS_MIN * 2 ** Math.min(failures - 1, 30));
  const jitter = random() * ceiling;
  if (retryAfterMs === null) return jitter;
  // Many relays may have been told the same moment.
  return Math.min(FORWARD_RETRY_AFTER_MS_MAX, retryAfterMs) + jitter;
}

/** What `Retry-After` asks for, ms: a number of seconds, or a date (RFC 9110, 10.2.3). Null: nothing that can be read. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
