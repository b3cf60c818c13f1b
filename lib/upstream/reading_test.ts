/**
 * Tests of what is read from relays: messages, documents, and whether an event is one that was asked for.
 * Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { naiveMatch, type PlainEvent, type PlainFilter } from "../../tests/support/naive_matcher.ts";
import { key, plainEvent } from "../../tests/support/plain_event.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { AskedFilter } from "./asked_filter.ts";
import { EchoIds } from "./echo_ids.ts";
import { politeLimits, UNKNOWN_LIMITS } from "./polite_limits.ts";
import { splitFilter } from "./split_filter.ts";
import { readRelayMessage } from "./relay_messages.ts";

const ID = "ab".repeat(32);

Deno.test("the text of an event is the relay's own, in whatever spelling", () => {
  const event = `{"id":"${ID}","content":"]\\"id\\":"}`;
  const expected = { type: "EVENT", subscriptionId: "a", text: event, id: ID };
  assertEquals(readRelayMessage(`["EVENT","a",${event}]`), expected as never);
  assertEquals(readRelayMessage(` [ "EVENT" , "a" , ${event} ] \n`), expected as never);
  const spaced = `{"content":"","id" : "${ID}"}`;
  assertEquals(
    readRelayMessage(`["EVENT","a",${spaced}]`),
    { ...expected, text: `{"content":"","id":"${ID}"}` } as never,
  );
  // An escaped quote before the name makes it a part of another name.
  const tricky = `{"x\\"id":"${"cd".repeat(32)}","id":"${ID}"}`;
  assertEquals(readRelayMessage(`["EVENT","a",${tricky}]`), {
    ...expected,
    text: JSON.stringify(JSON.parse(tricky)),
  } as never);
});

Deno.test("messages of the wrong shape are none", () => {
  const wrong = [
    ...[
      "",
      "x",
      "{}",
      "null",
      "[]",
      "[1]",
      '["EVENT"]',
      '["EVENT","a"]',
      '["EVENT","a",{}]',
      '["EVENT","a",null]',
    ],
    ...[
      `["EVENT","a",{"id":"${ID.toUpperCase()}"}]`,
      '["EOSE"]',
      '["OK","a"]',
      '["OK","a","true",""]',
      '["AUTH",1]',
    ],
    ...['["CLOSED",1,""]', '["NEG-MSG","a"]', `["EVENT",7,{"id":"${ID}"}]`, `["EVENT","a",{"id":"${ID}"`],
  ];
  for (const text of wrong) assertEquals(readRelayMessage(text), null, text);
  assertEquals(readRelayMessage('["COUNT","a",{"count":1}]'), { type: "other" });
  assertEquals(readRelayMessage('["NOTICE",{"a":1}]'), { type: "NOTICE", message: '{"a":1}' });
  assertEquals(readRelayMessage('["NOTICE"]'), { type: "NOTICE", message: "" });
  const long = readRelayMessage(JSON.stringify(["OK", ID, false, "\u0007" + "x".repeat(10_000)]));
  assert(long?.type === "OK" && long.message.length === 400 && long.message.startsWith(" x"));
});

Deno.test("fuzz: an event is one that was asked for exactly where NIP-01 says so", () => {
  const prng = seededPrng("asked filters against the naive matcher");
  const keys = ["a", "b", "c"].map(key);
  const some = <T>(values: readonly T[]) => values.filter(() => prng.chance(0.4));
  for (let round = 0; round < 3_000; round++) {
    const filter: PlainFilter = {
      ...(prng.chance(0.3) && { ids: some(keys) }),
      ...(prng.chance(0.3) && { authors: some(keys) }),
      ...(prng.chance(0.3) && { kinds: some([0, 1, 7]) }),
      ...(prng.chance(0.3) && { since: prng.int(1, 5) }),
      ...(prng.chance(0.3) && { until: prng.int(1, 5) }),
      ...(prng.chance(0.3) && { "#t": some(["x", "y", "z"]) }),
      ...(prng.chance(0.3) && { "&e": some(keys) }),
    };
    const event = plainEvent({
      id: prng.pick(keys),
      pubkey: prng.pick(keys),
      kind: prng.pick([0, 1, 7]),
      created_at: prng.int(1, 5),
      tags: Array.from(
        { length: 4 },
        () => prng.chance(0.5) ? ["t", prng.pick(["x", "y", "z"])] : ["e", prng.pick(keys)],
      ),
    }) as PlainEvent;
    // The naive matcher finds nothing by an empty list; so does NIP-01.
    assertEquals(
      new AskedFilter({ ...filter }).matches(event),
      naiveMatch(filter, event),
      JSON.stringify(filter),
    );
  }
});

Deno.test("fuzz: the parts of a filter fit, and together match what the filter matches", () => {
  const prng = seededPrng("parts of filters");
  const texts = Array.from({ length: 300 }, (_, n) => `é${n}`);
  for (let round = 0; round < 100; round++) {
    const filter: PlainFilter = {
      kinds: texts.map((_, n) => n).filter(() => prng.chance(0.5)),
      "#t": texts.filter(() => prng.chance(0.5)),
      ...(prng.chance(0.2) && { "&d": texts.slice(0, prng.int(0, 300)) }),
    };
    const bytesMax = prng.int(500, 3_000);
    const parts = splitFilter({ ...filter }, bytesMax);
    if (parts === null) {
      assert(filter["&d"] !== undefined || bytesMax < 1_000);
      continue;
    }
    for (const part of parts) assert(new TextEncoder().encode(JSON.stringify(part)).length <= bytesMax - 200);
    for (let n = 0; n < 50; n++) {
      const event = plainEvent({ kind: prng.int(0, 299), tags: [["t", prng.pick(texts)]] }) as PlainEvent;
      const isAsked = new AskedFilter({ ...filter }).matches(event);
      assertEquals(parts.some((part) => new AskedFilter(part).matches(event)), isAsked);
    }
  }
  assertEquals(splitFilter({ search: "x".repeat(2_000) }, 1_000), null);
  assertEquals(splitFilter({ kinds: [1] }, 1_000), [{ kinds: [1] }]);
});

Deno.test("a document of a stranger gives limits within bounds, whatever it says", () => {
  const documents: unknown[] = [
    ...[null, 1, "x", [], {}, { limitation: 7 }, { limitation: [], supported_nips: "77" }],
    { limitation: { max_subscriptions: -1, max_limit: "5", max_message_length: 3 } },
    { limitation: { max_subscriptions: 0, max_limit: NaN, max_message_length: null } },
    { limitation: { max_subscriptions: 0.5, max_limit: -Infinity, max_message_length: {} } },
  ];
  for (const document of documents) {
    assertEquals(politeLimits(document), { ...UNKNOWN_LIMITS, reconciles: false }, JSON.stringify(document));
  }
  const generous = { max_subscriptions: 1e9, max_limit: 1e300, max_message_length: 2 ** 40 };
  assertEquals(politeLimits({ limitation: generous }), {
    subscriptionsMax: 100,
    limitMax: 5_000,
    messageBytesMax: 1024 * 1024,
    reconciles: false,
  });
  assertEquals(politeLimits({ supported_nips: [77], limitation: { max_limit: 12.7 } }).limitMax, 12);
  assertEquals(UNKNOWN_LIMITS.reconciles, true);
});

Deno.test("the newest ids of a relay are remembered, and of those before most", () => {
  const prng = seededPrng("echo ids");
  const ids = Array.from(
    { length: 8_192 },
    () => Array.from({ length: 8 }, () => prng.uint32().toString(16).padStart(8, "0")).join(""),
  );
  const echoes = new EchoIds();
  assert(!echoes.has(ids[0]!));
  for (const id of ids) echoes.add(id);
  for (const id of ids.slice(-100)) echoes.add(id);
  assertEquals(ids.slice(-100).filter((id) => !echoes.has(id)), []);
  const kept = ids.slice(-2_048).filter((id) => echoes.has(id)).length;
  assert(kept > 1_700, `${kept} of the newest 2048`);
  assert(!echoes.has("f".repeat(64)));
});
