/**
 * Tests of what a plugin is asked and what its answers mean. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { key, NOW, plainEvent } from "../../tests/support/plain_event.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { InvariantError } from "../invariant.ts";
import { OUTCOME_MESSAGE_BYTES_MAX } from "../limits.ts";
import { eventParts, eventText } from "../nostr/event.ts";
import { prefixOf } from "../nostr/prefixes.ts";
import { PluginFault, readReply } from "./decision.ts";
import { eventRequest, filtersRequest, type PluginOrigin, sourceOfAddress } from "./request.ts";

const event = plainEvent({ content: "line\nbreak", tags: [["t", "x"]] });
const asked = { id: event.id, pubkey: event.pubkey, text: eventText(event, eventParts(event)) };

function origin(...keys: string[]): PluginOrigin {
  return { receivedAtSeconds: NOW, sourceType: "IP4", sourceInfo: "192.0.2.1", authenticated: new Set(keys) };
}

Deno.test("an event is asked as strfry asks, and without authed where no key is proved", () => {
  const { id, line } = eventRequest(asked, origin());
  assertEquals(id, event.id);
  assert(!line.includes("\n"));
  assertEquals(JSON.parse(line), {
    type: "new",
    event,
    receivedAt: NOW,
    sourceType: "IP4",
    sourceInfo: "192.0.2.1",
  });
});

Deno.test("authed is the author where the author is proved, and else the first key", () => {
  const fields = (...keys: string[]) => {
    const { authed, authedList } = JSON.parse(eventRequest(asked, origin(...keys)).line);
    return { authed, authedList };
  };
  assertEquals(fields(key("b"), key("c")), { authed: key("b"), authedList: [key("b"), key("c")] });
  assertEquals(fields(key("b"), key("a")), { authed: key("a"), authedList: [key("b"), key("a")] });
});

Deno.test("filters are asked as the client wrote them", () => {
  const filters = [{ kinds: [1], "#t": ["x\n"] }];
  for (const type of ["req", "count"] as const) {
    const { id, line } = filtersRequest({ type, id: "7", subscription: 'a"b', filters }, origin(key("b")));
    assertEquals(id, "7");
    assert(!line.includes("\n"));
    assertEquals(JSON.parse(line), {
      type,
      id: "7",
      subscription: 'a"b',
      filters,
      receivedAt: NOW,
      sourceType: "IP4",
      sourceInfo: "192.0.2.1",
      authed: key("b"),
      authedList: [key("b")],
    });
  }
});

Deno.test("an event that is not one line would forge a second request, and is our own mistake", () => {
  assertThrows(() => eventRequest({ ...asked, text: "{\n}" }, origin()), InvariantError);
});

Deno.test("the source of a client is the family of its address", () => {
  assertEquals(sourceOfAddress("192.0.2.1"), "IP4");
  assertEquals(sourceOfAddress("2001:db8::1"), "IP6");
});

Deno.test("the three actions are read, and keys that are unknown passed over", () => {
  assertEquals(readReply('{"id":"x","action":"accept"}'), { id: "x", decision: { action: "accept" } });
  assertEquals(readReply('{"id":"x","action":"accept","msg":null,"more":[1]}')?.decision.action, "accept");
  assertEquals(readReply('{"action":"shadowReject","id":"x","msg":"y"}')?.decision, {
    action: "shadowReject",
  });
  assertEquals(readReply('{"id":"x","action":"reject","msg":"pow: more"}')?.decision, {
    action: "reject",
    message: "pow: more",
    by: "plugin",
    quiet: false,
  });
});

Deno.test("a refusal always has a prefix and fits an outcome", () => {
  const message = (msg?: string) => {
    const decision = readReply(JSON.stringify({ id: "x", action: "reject", msg }))!.decision;
    assert(decision.action === "reject");
    return decision;
  };
  assertEquals(message("no spam").message, "blocked: no spam");
  assertEquals(message("payment-required: pay").message, "payment-required: pay");
  assertEquals(message("Blocked: x").message, "blocked: Blocked: x");
  assertEquals(message(), {
    action: "reject",
    message: "blocked: not accepted by this relay",
    by: "plugin",
    quiet: true,
  });
  assertEquals(message(""), message());
  for (const long of ["x".repeat(9_999), "é".repeat(9_999), "😀".repeat(9_999)]) {
    const text = message(long).message;
    const bytes = new TextEncoder().encode(text).length;
    assert(
      bytes <= OUTCOME_MESSAGE_BYTES_MAX && bytes > OUTCOME_MESSAGE_BYTES_MAX - 4 && text.isWellFormed(),
    );
    assertEquals(prefixOf(text), "blocked");
  }
});

Deno.test("what is not JSON is no answer, and JSON that is no answer is a fault", () => {
  for (const line of ["", "  ", "hello", "{", '{"id":"x"} {"id":"y"}', "undefined"]) {
    assertEquals(readReply(line), null, line);
  }
  const faults = {
    "7": "its answer is not an object",
    "null": "its answer is not an object",
    "[]": "its answer has no id",
    "{}": "its answer has no id",
    '{"id":7,"action":"accept"}': "its answer has no id",
    '{"id":"x"}': "its answer has the unknown action undefined",
    '{"id":"x","action":"Accept"}': 'its answer has the unknown action "Accept"',
    '{"id":"x","action":"reject","msg":7}': "the msg of its answer is not a string",
  };
  for (const [line, message] of Object.entries(faults)) {
    assertEquals(assertThrows(() => readReply(line), PluginFault).message, message);
  }
});

Deno.test("fuzz: no line of a plugin does worse than a fault", () => {
  const prng = seededPrng("lines of a plugin");
  const pieces = [
    '{"id":',
    '"x"',
    ',"action":',
    '"accept"',
    '"reject"',
    ',"msg":',
    "null",
    "7",
    "}",
    "[",
    '"',
    "\\u0000",
    "é",
  ];
  let faults = 0;
  for (let n = 0; n < 3_000; n++) {
    const line = Array.from({ length: prng.int(0, 9) }, () => prng.pick(pieces)).join("");
    try {
      readReply(line);
    } catch (error) {
      assert(error instanceof PluginFault, line);
      faults++;
    }
  }
  assert(faults > 0);
});
