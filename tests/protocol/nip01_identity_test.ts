/**
 * NIP-01 from outside: an id is the SHA-256 of an exact text, however the frame was written; and the event that is
 * served has that id again.
 *
 * @module
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hash } from "node:crypto";
import { connect, type TestClient } from "../support/client.ts";
import { eventId, signEvent, signId, type TestEvent, type TestKey } from "../support/sign.ts";
import {
  freshKey,
  nextEvent,
  nowSeconds,
  publishFrame,
  served,
  sharedRelay,
  store,
  untilEose,
} from "./shared_relay.ts";

const relay = await sharedRelay();
const encoder = new TextEncoder();

/** Control characters that NIP-01 does not name: JSON must escape them, NIP-01's text holds them as they are. */
const CONTROLS = [...Array(32).keys()].filter((code) => ![8, 9, 10, 12, 13].includes(code))
  .map((code) => String.fromCharCode(code));

/** The event's id, computed over NIP-01's text with control characters as they are. */
function verbatimId(event: Omit<TestEvent, "id" | "sig">): string {
  const { pubkey, created_at, kind, tags, content } = event;
  const quote = (text: string) => {
    let out = '"';
    for (const character of text) {
      const escape = {
        "\n": "\\n",
        '"': '\\"',
        "\\": "\\\\",
        "\r": "\\r",
        "\t": "\\t",
        "\b": "\\b",
        "\f": "\\f",
      }[character];
      out += escape ?? character;
    }
    return `${out}"`;
  };
  const list = tags.map((tag) => `[${tag.map(quote).join(",")}]`).join(",");
  return hash("sha256", `[0,"${pubkey}",${created_at},${kind},[${list}],${quote(content)}]`, "hex");
}

function signVerbatim(key: TestKey, content: string, tags: string[][] = []): TestEvent {
  const event = { pubkey: key.pubkey, created_at: nowSeconds(), kind: 1, tags, content };
  const id = verbatimId(event);
  return { id, ...event, sig: signId(key, id) };
}

/** Publishes, and checks that the stored and the live event are the one that was sent, to the last character. */
async function roundTrip(client: TestClient, event: TestEvent): Promise<void> {
  await store(client, event);
  assertEquals(await nextEvent(client, "live"), event);
  assertEquals(served(await client.query({ ids: [event.id] })), [event]);
}

async function listen(client: TestClient, key: TestKey): Promise<void> {
  client.send(["REQ", "live", { authors: [key.pubkey] }]);
  await untilEose(client, "live");
}

Deno.test("texts of all planes and all escapes come back as they were sent", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  await listen(client, key);
  const texts = [
    "",
    "plain",
    '\n"\\\r\t\b\f',
    '\\n \\u0041 \\\\u0001 \\" not escapes',
    "/ </script> \\/",
    "äöü ß é e\u0301 ﬁ Å",
    "日本語 中文 한국어 עברית العربية",
    "👩‍👩‍👧‍👦 🏳️‍🌈 𝕏 \u{10FFFF} \u{1F600}",
    "\u007f\u0080\u009f\u00a0\u00ad\u200b\u200e\u2028\u2029\ufeff\ufffd\ufffe\uffff",
    "\ufeffbyte order mark first",
    "null true 1e3 {} [] ,",
    `${"long ".repeat(10_000)}🎉`,
  ];
  for (const text of texts) {
    await roundTrip(
      client,
      signEvent(key, { content: text, tags: [["t", text], [text], [], ["alt", "", text]] }),
    );
  }
});

Deno.test("ids over escaped control characters are accepted, as programs in use write them", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  await listen(client, key);
  await roundTrip(
    client,
    signEvent(key, { content: CONTROLS.join("x"), tags: CONTROLS.map((text) => ["t", text]) }),
  );
});

Deno.test("ids over control characters as they are, which is NIP-01 to the letter, are accepted too", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  await listen(client, key);
  await roundTrip(client, signVerbatim(key, CONTROLS.join("x"), CONTROLS.map((text) => ["t", text])));
  await roundTrip(client, signVerbatim(key, "\\\u0001 \\\\u0001 \\u0002 \u0002\\"));
  const mixed = { ...signVerbatim(key, "a\u0001b"), content: "a\\u0001b" };
  assertEquals((await client.publish(mixed))[2], false);
});

Deno.test("numbers may be written in any way that JSON has for the same integer", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const event = signEvent(key, { created_at: 1_500_000_000, kind: 1_000 });
  const other = signEvent(key, { created_at: 0 });
  const forms: [string, string, TestEvent][] = [
    ["15e8", "1e3", event],
    ["1.5e9", "1.0E+3", event],
    ["1500000000.0", "1000.000", event],
    ["150000000000e-2", "10000e-1", event],
    ["0", "1", other],
    ["-0", "0.1e1", other],
    ["0e7", "1.0", other],
  ];
  for (const [created_at, kind, signed] of forms) {
    const frame = JSON.stringify(["EVENT", signed])
      .replace(/"created_at":\d+/, `"created_at":${created_at}`)
      .replace(/"kind":\d+/, `"kind":${kind}`);
    assertStringIncludes(frame, `:${created_at},`);
    const ok = await publishFrame(client, frame, signed.id);
    assertEquals(ok[2], true, frame);
    const result = served(await client.query({ ids: [signed.id] }));
    assertEquals(result, [signed]);
  }
});

Deno.test("a signature over an id of a number's other form does not verify", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const id = hash("sha256", `[0,"${key.pubkey}",1e3,1,[],""]`, "hex");
  const frame =
    `["EVENT",{"id":"${id}","pubkey":"${key.pubkey}","created_at":1e3,"kind":1,"tags":[],"content":"",` +
    `"sig":"${signId(key, id)}"}]`;
  const ok = await publishFrame(client, frame, id);
  assertEquals(ok[2], false);
  assertMatch(ok[3] as string, /^invalid: /);
});

Deno.test("white space, the order of keys, escapes and extra fields of a frame do not matter", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  const event = signEvent(key, { content: "é/", tags: [["t", "x"]] });
  const { id, pubkey, created_at, kind, sig } = event;
  const frames = [
    JSON.stringify(["EVENT", event], null, 2),
    ` \t\r\n [ "EVENT" ,\n ${JSON.stringify(event)} ]\n`,
    JSON.stringify(["EVENT", { sig, content: "é/", kind, tags: [["t", "x"]], created_at, pubkey, id }]),
    JSON.stringify(["EVENT", event, "extra", { more: [1] }]),
    JSON.stringify(["EVENT", {
      ...event,
      seen_on: ["wss://a"],
      __proto__x: 1,
      toJSON: null,
      extra: { deep: [[[]]] },
    }]),
    `["EVENT",{"id":"${id}","pubkey":"${pubkey}","created_at":${created_at},"kind":${kind},` +
    `"tags":[["\\u0074","\\u0078"]],"content":"\\u00e9\\/","sig":"${sig}"}]`,
    `["\\u0045VENT",${JSON.stringify(event)}]`,
    `["EVENT",{"id":"${"0".repeat(64)}","id":"${id}",${
      JSON.stringify({ ...event, id: undefined }).slice(1)
    }]`,
  ];
  for (const frame of frames) {
    assertEquals((await publishFrame(client, frame, id))[2], true, frame);
    assertEquals(served(await client.query({ ids: [id] })), [event]);
  }
});

Deno.test("what is served holds the seven fields of NIP-01 and no white space", async () => {
  await using client = await connect(relay.url);
  const event = signEvent(freshKey(), { content: "a b", tags: [["t", "x"]] });
  await publishFrame(client, JSON.stringify(["EVENT", { ...event, extra: 1 }], null, 4), event.id);
  const [stored] = served(await client.query({ ids: [event.id] }));
  assertEquals(Object.keys(stored!).toSorted(), Object.keys(event).toSorted());
  assertEquals(eventId(stored!), event.id);
});

Deno.test("half a surrogate pair is refused: such a text has no UTF-8, and so no id", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  for (const half of ["\ud83d", "\ude00", "a\udfffb", "\ude00\ud83d"]) {
    for (const place of ["content", "value", "name"]) {
      const template = {
        pubkey: key.pubkey,
        created_at: nowSeconds(),
        kind: 1,
        content: place === "content" ? half : "",
        tags: place === "value" ? [["t", half]] : place === "name" ? [[half, "x"]] : [],
      };
      // Two ids that a lenient program might compute: over U+FFFD, and over the escape.
      const text = JSON.stringify([
        0,
        template.pubkey,
        template.created_at,
        1,
        template.tags,
        template.content,
      ]);
      const replaced = JSON.stringify(JSON.parse(text)).replace(/\\ud[89a-f][0-9a-f]{2}/g, "\ufffd");
      for (const id of [hash("sha256", text, "hex"), hash("sha256", encoder.encode(replaced), "hex")]) {
        const ok = await client.publish({ ...template, id, sig: signId(key, id) });
        assertEquals(ok.slice(0, 3), ["OK", id, false]);
        assertMatch(ok[3], /^invalid: .*surrogate/);
      }
    }
  }
  const pair = signEvent(key, { content: "\ud83d\ude00" });
  const frame = JSON.stringify(["EVENT", pair]).replace("😀", "\\ud83d\\ude00");
  assertStringIncludes(frame, "\\ude00");
  assertEquals((await publishFrame(client, frame, pair.id))[2], true);
  assertEquals(served(await client.query({ ids: [pair.id] })), [pair]);
});

Deno.test("the greatest kind and created_at are exact", async () => {
  await using client = await connect(relay.url);
  const key = freshKey();
  await listen(client, key);
  await roundTrip(client, signEvent(key, { kind: 65_535, created_at: nowSeconds() + 800 }));
  await roundTrip(client, signEvent(key, { kind: 9_999, created_at: 1 }));
});
