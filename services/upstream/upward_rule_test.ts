/**
 * Tests of what may go up. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { readConfig } from "../../lib/config/config.ts";
import { ManagementFollower } from "../../lib/management/change_log.ts";
import { eventParts, eventText } from "../../lib/nostr/event.ts";
import { plainEvent } from "../../tests/support/plain_event.ts";
import { UpwardRule } from "./upward_rule.ts";

const nobody = {
  view: { bannedPubkeys: new Set(["b".repeat(64)]), bannedEvents: new Set() },
  refresh: () => false,
};

Deno.test("an event goes up if the stream takes it and anybody may read it, or the filter names its private kind", () => {
  const rule = new UpwardRule(() => readConfig({}), nobody as unknown as ManagementFollower);
  const goesUp = (filter: Record<string, unknown>, fields: Parameters<typeof plainEvent>[0]) => {
    const event = plainEvent(fields);
    return rule.of({ filter })(eventText(event, eventParts(event)));
  };
  assertEquals(goesUp({}, {}), true);
  assertEquals(goesUp({ kinds: [7] }, {}), false);
  assertEquals(goesUp({ "#t": ["nostr"] }, { tags: [["t", "nostr"]] }), true);
  assertEquals(goesUp({}, { kind: 1059 }), false, "a gift wrap is private");
  assertEquals(goesUp({ kinds: [1059] }, { kind: 1059 }), true, "the operator names it");
  assertEquals(goesUp({}, { tags: [["-"]] }), false, "only its author may publish it");
  assertEquals(goesUp({}, { content: '["-"]' }), true);
  assertEquals(goesUp({}, { tags: [["expiration", "1"]] }), false, "it has expired");
  assertEquals(goesUp({}, { tags: [["expiration", String(2 ** 40)]] }), true);
  assertEquals(goesUp({}, { pubkey: "b".repeat(64) }), false, "its author is banned");
});
