/**
 * Tests of reading reports. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { key, plainEvent } from "../../tests/support/plain_event.ts";
import { MANAGEMENT_REASON_CHARS_MAX, REPORTED_EVENTS_MAX } from "../limits.ts";
import { KIND_REPORT, reportedEvents } from "./reports.ts";

Deno.test("a report names events in e tags, each once, with its type and words on one line", () => {
  const tags = [["p", key("a")], ["e", key("b"), "spam"], ["e", key("b")], ["e", "x"], ["e"], [
    "e",
    key("c"),
  ]];
  const report = plainEvent({ kind: KIND_REPORT, tags, content: "look\nhere" });
  assertEquals(reportedEvents(report), [
    { id: key("b"), reason: "spam: look here" },
    { id: key("c"), reason: "look here" },
  ]);
  assertEquals(reportedEvents(plainEvent({ kind: KIND_REPORT, tags: [["p", key("a"), "spam"]] })), []);
});

Deno.test("a report is bounded, in events and in words", () => {
  const ids = Array.from({ length: REPORTED_EVENTS_MAX + 9 }, (_, n) => n.toString(16).padStart(64, "0"));
  const report = plainEvent({ tags: ids.map((id) => ["e", id]), content: "x".repeat(9_999) });
  const found = reportedEvents(report);
  assertEquals(found.length, REPORTED_EVENTS_MAX);
  assertEquals(found[0]!.reason.length, MANAGEMENT_REASON_CHARS_MAX);
});
