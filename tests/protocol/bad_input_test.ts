/**
 * Messages that clients must not send, from outside: each gets an answer that names the reason, the connection
 * lives, and a bystander is served all the while.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { PREFIXES } from "../../lib/nostr/prefixes.ts";
import { connect, type Message, type TestClient } from "../support/client.ts";
import { seededPrng } from "../support/prng.ts";
import { signEvent } from "../support/sign.ts";
import { Bystander } from "./bystander.ts";
import { freshKey, idsOf, nextEvent, settled, sharedRelay, signAnything, store } from "./shared_relay.ts";

const relay = await sharedRelay({ VERIFIER_WORKERS: "2", PRIVATE_KINDS: "none" });
const REASON = new RegExp(`^(${PREFIXES.join("|")}): \\S`);
/** `MAX_MESSAGE_LENGTH` by default, and the bound behind which a frame ends its connection, bytes. */
const MESSAGE_BYTES = 256 * 1024;
const FRAME_BYTES = 512 * 1024;

/** Sends a frame and returns the one answer to it; a reason must stand in it. */
async function answerTo(client: TestClient, frame: string | Uint8Array<ArrayBuffer>): Promise<Message> {
  client.sendRaw(frame);
  const answer = await client.next();
  assertMatch(answer.at(-1) as string, REASON);
  return answer;
}

async function isAlive(client: TestClient): Promise<void> {
  await settled(client);
  assertEquals(client.inbox, []);
}

Deno.test("what is no JSON, no array, or has no verb that is known gets a NOTICE", async () => {
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const frames = [
    "",
    " ",
    "x",
    "\u0000",
    "[",
    "]",
    '["REQ"',
    '["REQ","a",{]',
    '["EVENT",{"id":"x",}]',
    '["EVENT", undefined]',
    "['REQ','a',{}]",
    '["REQ","a",{}]trailing',
    '["REQ","a",{}]["REQ","b",{}]',
    "\ufeff[]",
    "{}",
    '{"0":"REQ"}',
    "null",
    "1",
    '"REQ"',
    "true",
    "[]",
    "[1]",
    "[null]",
    '[["REQ"]]',
    '[{"verb":"REQ"}]',
    '["req","a",{}]',
    '["EVENTS",{}]',
    '["OK","a",true,""]',
    '["NOTICE","x"]',
    '["EOSE","x"]',
    '[""]',
    `["${"V".repeat(100_000)}"]`,
    '["REQ\\u0000","a",{}]',
    '["__proto__","a",{}]',
    '["EVENT"',
    '["EVENT"]',
    '["EVENT",]',
    '["EVENT",null]',
    '["EVENT",1]',
    '["EVENT","x"]',
    '["EVENT",[]]',
    '["EVENT",{}]',
    '["EVENT",[{"id":"x"}]]',
    '["EVENT","sub",{"id":"x"}]',
    '["REQ"]',
    '["REQ",1,{}]',
    '["COUNT"]',
    '["COUNT",null,{}]',
    '["CLOSE"]',
    '["CLOSE",null]',
    '["CLOSE",{}]',
  ];
  for (const frame of frames) {
    const notice = await answerTo(client, frame);
    assertEquals([notice[0], notice.length], ["NOTICE", 2], frame.slice(0, 80));
    assert((notice[1] as string).length < 500, "an answer does not repeat what is long");
  }
  await isAlive(client);
  await bystander.isServed();
});

Deno.test("a hundred thousand brackets are refused, wherever they stand", async () => {
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const deep = 100_000;
  const arrays = "[".repeat(deep) + "]".repeat(deep);
  const objects = '{"a":'.repeat(deep / 4) + "1" + "}".repeat(deep / 4);
  const { id, ...rest } = signEvent(freshKey());
  const tail = JSON.stringify(rest).slice(1);
  for (const nested of [arrays, objects]) {
    assertEquals((await answerTo(client, nested))[0], "NOTICE");
    assertEquals((await answerTo(client, `["REQ",${nested}]`))[0], "NOTICE");
    assertEquals((await answerTo(client, `["REQ","deep",${nested}]`)).slice(0, 2), ["CLOSED", "deep"]);
    assertEquals((await answerTo(client, `["REQ","deep",{"ids":${nested}}]`)).slice(0, 2), [
      "CLOSED",
      "deep",
    ]);
    assertEquals((await answerTo(client, `["REQ","deep",{"x":${nested}}]`)).slice(0, 2), ["CLOSED", "deep"]);
    assertEquals((await answerTo(client, `["EVENT",${nested}]`))[0], "NOTICE");
    const tagged = `["EVENT",{"id":"${id}",${tail.replace('"tags":[]', `"tags":${nested}`)}]`;
    assertEquals((await answerTo(client, tagged)).slice(0, 3), ["OK", id, false]);
    client.sendRaw(`["EVENT",{"id":"${id}","extra":${nested},${tail}]`);
    assertEquals((await client.next()).slice(0, 3), ["OK", id, false]);
  }
  for (
    const half of [
      "[".repeat(200_000),
      '["EVENT",' + "[".repeat(200_000),
      '["REQ","x",' + '{"a":'.repeat(40_000),
    ]
  ) {
    assertEquals((await answerTo(client, half))[0], "NOTICE");
  }
  await isAlive(client);
  await bystander.isServed();
});

Deno.test("wrong types in every place of every message are answered, each by its own kind of refusal", async () => {
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const values: unknown[] = [null, true, 0, -1, 1.5, 1e300, "", "x", [], [[]], {}, { a: 1 }, ["x", 1]];
  const fields = ["id", "pubkey", "created_at", "kind", "tags", "content", "sig"];
  const keys = ["ids", "authors", "kinds", "#e", "#p", "#t", "since", "until", "limit", "search"];
  const key = freshKey();
  for (const value of values) {
    for (const field of fields) {
      const event = field === "id" || field === "sig"
        ? { ...signEvent(key), [field]: value }
        : signAnything(key, { [field]: value });
      client.send(["EVENT", event]);
      const answer = await client.next((message) => message[0] !== "EVENT");
      if (answer[0] === "OK") assertEquals(answer.length, 4);
      else assertEquals([answer[0], typeof event.id === "string"], ["NOTICE", false]);
      if (answer[2] !== true) assertMatch(answer.at(-1) as string, REASON);
    }
    for (const name of keys) {
      for (const verb of ["REQ", "COUNT"]) {
        client.send([verb, "typed", { [name]: value, limit: name === "limit" ? value : 1 }]);
        const answer = await client.next((message) => message[0] !== "EVENT");
        assertEquals(answer[1], "typed");
        if (answer[0] === "CLOSED") assertMatch(answer[2] as string, REASON);
        else assertEquals(answer[0], verb === "REQ" ? "EOSE" : "COUNT");
      }
    }
  }
  client.send(["CLOSE", "typed"]);
  await settled(client);
  client.inbox.length = 0;
  await isAlive(client);
  await bystander.isServed();
});

Deno.test("a message over MAX_MESSAGE_LENGTH gets a NOTICE, and the connection lives", async () => {
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const key = freshKey();
  for (const length of [MESSAGE_BYTES + 1, FRAME_BYTES - 100, FRAME_BYTES]) {
    const event = signEvent(key, { content: "x".repeat(length) });
    const whole = JSON.stringify(["EVENT", event]);
    const notice = await answerTo(client, whole.slice(0, length));
    assertEquals(notice[0], "NOTICE");
    assertMatch(notice[1] as string, new RegExp(`longer than ${MESSAGE_BYTES}`));
  }
  await isAlive(client);
  const fits = signEvent(key, { content: "x".repeat(190_000) });
  await store(client, fits);
  assertEquals(await idsOf(client, { authors: [key.pubkey] }), [fits.id]);
  await bystander.isServed();
});

Deno.test("an event with more tags than allowed is refused, one with as many as allowed is stored", async () => {
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const key = freshKey();
  const tags = (count: number) => Array.from({ length: count }, (_, i) => ["t", `${i}`]);
  const most = signEvent(key, { tags: tags(5_000) });
  await store(client, most);
  for (const list of [tags(5_001), Array(50_000).fill([]), Array(20_000).fill(["", ""])]) {
    const event = signEvent(key, { tags: list as string[][] });
    const ok = await client.publish(event);
    assertEquals(ok.slice(0, 3), ["OK", event.id, false]);
    assertMatch(ok[3], /^invalid: .*5000 tags/);
  }
  const wide = signEvent(key, { tags: [["t", ...Array(40_000).fill("x")]] });
  await store(client, wide);
  assertEquals(await idsOf(client, { authors: [key.pubkey], "#t": ["4999"] }), [most.id]);
  await bystander.isServed();
});

Deno.test("filters beyond the limits are refused, filters at the limits are served", async () => {
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const hex = (count: number) => Array.from({ length: count }, (_, i) => i.toString(16).padStart(64, "0"));
  const texts = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
  const over: unknown[][] = [
    Array(21).fill({ limit: 0 }),
    [{ "#t": texts(10_000) }],
    [{ "#t": texts(5_001) }],
    [{ kinds: Array.from({ length: 10_000 }, (_, i) => i) }],
    [{ "#t": texts(2_500), "#r": texts(2_501) }],
    [{ limit: 0 }, { kinds: Array(5_001).fill(1) }],
  ];
  for (const filters of over) {
    for (const verb of ["REQ", "COUNT"]) {
      const closed = await answerTo(client, JSON.stringify([verb, "over", ...filters]));
      assertEquals(closed.slice(0, 2), ["CLOSED", "over"]);
      assertMatch(closed[2] as string, /^invalid: .*more than (20|5000)/);
    }
  }
  const at: Record<string, unknown>[][] = [
    Array(20).fill({ limit: 0 }),
    [{ "#t": texts(5_000), limit: 1 }],
    [{ ids: hex(3_800), limit: 1 }],
    [{ authors: hex(3_800), kinds: Array.from({ length: 1_000 }, (_, i) => i), limit: 1 }],
    [{ "#e": hex(1_900), "#p": hex(1_900), limit: 1 }],
  ];
  for (const filters of at) assert((await client.query(...filters)).eose);
  await isAlive(client);
  await bystander.isServed();
});

Deno.test("of a thousand subscriptions two hundred open, and the others are closed with the reason", async () => {
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const key = freshKey();
  const authors = [key.pubkey];
  for (let i = 0; i < 1_000; i++) client.send(["REQ", `sub ${i}`, { authors, limit: 0 }]);
  const answers = new Map<string, Message>();
  while (answers.size < 1_000) {
    const answer = await client.next();
    answers.set(answer[1] as string, answer);
  }
  const closed = [...answers.values()].filter(([type]) => type === "CLOSED");
  assertEquals(closed.length, 800);
  for (const message of closed) assertMatch(message[2] as string, /^rate-limited: .*200/);
  const event = signEvent(key);
  await store(client, event);
  for (const [id] of [...answers].filter(([, [type]]) => type === "EOSE")) {
    assertEquals(await nextEvent(client, id), event);
  }
  assertEquals(client.inbox, []);
  await bystander.isServed();
  for (let i = 0; i < 1_000; i++) client.send(["CLOSE", `sub ${i}`]);
  client.send(["REQ", "free again", { limit: 0 }]);
  assertEquals(
    await client.next((message) => message[1] === "free again"),
    ["EOSE", "free again", []],
  );
});

Deno.test("more events at once than one connection may have unanswered get an OK each, refused or not", async () => {
  await using client = await connect(relay.url, { timeoutMs: 60_000 });
  await using bystander = await Bystander.join(relay);
  const key = freshKey();
  const events = Array.from({ length: 6_000 }, (_, i) => signEvent(key, { content: `${i}`, kind: 20_000 }));
  // Somebody may listen, so that none is muted; and gets nothing, so that none is in the way.
  client.send(["REQ", "past", { authors: [key.pubkey], until: 1 }]);
  await client.nextOfType("EOSE");
  const answers = await Promise.all(events.map((event) => client.publish(event)));
  assertEquals(answers.map((ok) => ok[1]), events.map(({ id }) => id));
  for (const ok of answers.filter((answer) => !answer[2])) assertMatch(ok[3], /^rate-limited: \S/);
  assert(answers.some((ok) => ok[2]));
  await store(client, signEvent(key, { content: "after the burst" }));
  await bystander.isServed();
});

Deno.test("random mutations of right messages never end a connection or leave it without an answer", async () => {
  const prng = seededPrng("mutated messages");
  await using client = await connect(relay.url);
  await using bystander = await Bystander.join(relay);
  const key = freshKey();
  for (let round = 0; round < 1_500; round++) {
    const whole = prng.pick([
      JSON.stringify(["EVENT", signEvent(key, { kind: 20_000, tags: [["t", "x"]], content: 'a "\\ é' })]),
      JSON.stringify(["REQ", "mutant", { kinds: [1], "#t": ["x"], since: 1, limit: 1 }]),
      JSON.stringify(["COUNT", "mutant", { kinds: [1], ids: ["0".repeat(64)] }]),
    ]);
    let text = whole;
    for (let edits = prng.int(1, 3); edits > 0; edits--) {
      const at = prng.int(0, text.length - 1);
      const insert = prng.pick([
        "",
        "",
        '"',
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\\",
        "0",
        "-",
        "e",
        "null",
        " ",
        "\u0000",
        "é",
        "\\u",
        "EVENT",
      ]);
      text = text.slice(0, at) + insert + text.slice(at + prng.int(0, 3));
    }
    client.sendRaw(text);
    const answer = await client.next((message) => message[0] !== "EVENT");
    assert(
      ["OK", "EOSE", "CLOSED", "NOTICE", "COUNT"].includes(answer[0]),
      `SEED=${prng.seed} round ${round}: ${text}`,
    );
    if (answer[0] === "NOTICE" || answer[0] === "CLOSED") assertMatch(answer.at(-1) as string, REASON);
    if (answer[0] === "EOSE") client.send(["CLOSE", answer[1]]);
  }
  client.inbox.length = 0;
  await bystander.isServed();
});
