/**
 * Tests of protected events (NIP-70). Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { key, plainEvent, sender } from "../../tests/support/plain_event.ts";
import { protectedEvents } from "./protected_events.ts";

const policy = protectedEvents();
const BY_ITS_AUTHOR = "this event may only be published by its author";
const NO_EMBEDDING = "blocked: a repost must not embed a protected event";

Deno.test("a protected event needs its author among the proved keys", () => {
  const event = plainEvent({ tags: [["t", "x"], ["-"]] });
  assertEquals(policy(event, sender()), `auth-required: ${BY_ITS_AUTHOR}`);
  assertEquals(policy(event, sender([key("b")])), `restricted: ${BY_ITS_AUTHOR}`);
  assertEquals(policy(event, sender([key("b"), event.pubkey])), null);
});

Deno.test("other tags protect nothing", () => {
  for (const tags of [[], [["--"]], [["t", "-"]], [[""]], [[]]]) {
    assertEquals(policy(plainEvent({ tags }), sender()), null);
  }
});

Deno.test("a repost that embeds a protected event is refused however its JSON is written", () => {
  const inner = plainEvent({ tags: [["e", "x"], ["-"]] });
  const text = JSON.stringify(inner);
  const written = [
    text,
    JSON.stringify(inner, null, 2),
    text.replace('["-"]', '[ "-" ]'),
    text.replace('["-"]', '["\\u002d"]'),
    text.replace('["-"]', '["\\u002D", "x"]'),
    text.replace('"tags"', '"\\u0074ags"'),
  ];
  for (const content of written) {
    for (const kind of [6, 16]) {
      assertEquals(policy(plainEvent({ kind, content }), sender([key("a")])), NO_EMBEDDING, content);
    }
  }
});

Deno.test("a repost that embeds something else, and a note that quotes, pass", () => {
  const innocent = JSON.stringify(plainEvent({ content: 'the tag is ["-"]', tags: [["t", "-"]] }));
  const contents = [innocent, '["-"]', 'not JSON "-"', '"-"', "null", '{"tags":"-"}', '{"tags":["-"]}', ""];
  for (const content of contents) {
    assertEquals(policy(plainEvent({ kind: 6, content }), sender()), null, content);
  }
  const protectedText = JSON.stringify(plainEvent({ tags: [["-"]] }));
  assertEquals(policy(plainEvent({ kind: 1, content: protectedText }), sender()), null);
});
