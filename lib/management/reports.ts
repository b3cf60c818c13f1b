/**
 * What a report (NIP-56) says about events, for the moderators' queue.
 * Runs on any thread; no state.
 *
 * @module
 */
import { MANAGEMENT_REASON_CHARS_MAX, REPORTED_EVENTS_MAX } from "../limits.ts";
import { isHex64, type NostrEvent } from "../nostr/event.ts";

/** The kind of reports. */
export const KIND_REPORT = 1984;

/** One event that is reported. */
interface ReportedEvent {
  readonly id: string;
  /** One line, for `listeventsneedingmoderation`. */
  readonly reason: string;
}

/** The events that a report names in `e` tags, each once; at most `REPORTED_EVENTS_MAX`. */
export function reportedEvents(report: NostrEvent): ReportedEvent[] {
  const found = new Map<string, ReportedEvent>();
  for (const [name, id, type = ""] of report.tags) {
    if (name !== "e" || !isHex64(id) || found.has(id)) continue;
    if (found.size >= REPORTED_EVENTS_MAX) break;
    const text = [type, report.content].filter((part) => part !== "").join(": ");
    found.set(id, { id, reason: oneLine(text) });
  }
  return [...found.values()];
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim().slice(0, MANAGEMENT_REASON_CHARS_MAX).toWellFormed();
}
