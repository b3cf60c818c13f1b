/**
 * Texts that a client chooses so that looking through them takes long: patterns that would take the square of a text's
 * length, and searches of words that all events have. The work is bounded, and the relay answers meanwhile.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { SPAM_CHARS_MAX } from "../../lib/limits.ts";
import { isSpam } from "../../lib/search/spam.ts";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";

// That no pattern of lib and services takes more than linear time is a rule of the linter (`scripts/slow_patterns.ts`).

Deno.test("an address of a quarter of a million slashes in a proof or a request to vanish is refused at once", async () => {
  await using relay = await startRelay();
  await using client = await connect(relay.url);
  const address = `${relay.url}/${"/".repeat(250_000)}x`;
  const proof = signEvent(testKey(1), { kind: 22_242, tags: [["relay", address], ["challenge", "none"]] });
  assertEquals((await client.authenticate(proof))[2], false);
  const vanish = signEvent(testKey(1), { kind: 62, tags: [["relay", address]] });
  const [, , , reason] = await client.publish(vanish);
  assertMatch(reason, /^(?:invalid|blocked): |^$/);
});

Deno.test("bait between spaces is found as before, and spaces without end are no bait", () => {
  const event = (content: string) => signEvent(testKey(1), { content });
  const spam = (text: string) => isSpam(event(text), text);
  const links = "http://a http://b http://c http://d ";
  assertEquals(spam(`${links}whatsapp : +123`), true);
  assertEquals(spam(`${links}telegram@name`), true);
  assertEquals(spam(`${links}telegram name`), false);
  assertEquals(spam(`whatsapp${" ".repeat(SPAM_CHARS_MAX)}`), false);
});

Deno.test("searches that look at every event leave the reader free between their steps", async () => {
  await using relay = await startRelay({ env: { READER_WORKERS: "1" } });
  await using client = await connect(relay.url, { timeoutMs: 30_000 });
  await using other = await connect(relay.url, { timeoutMs: 30_000 });
  const events = Array.from({ length: 50 }, (_, n) => signEvent(testKey(1), { content: `the note ${n}` }));
  await Promise.all(events.map((event) => client.publish(event)));
  const words = Array.from({ length: 32 }, (_, n) => `the note ${n}`).join(" ");
  const tags = Array.from({ length: 2_500 }, (_, n) => `no such tag ${n}`);
  for (let n = 0; n < 20; n++) client.send(["REQ", `s${n}`, { search: words, "#t": tags }]);
  assertEquals((await other.query({ search: "nothing" })).eose?.[0], "EOSE");
  for (let n = 0; n < 20; n++) {
    const [type, , reason] = await client.next(([type]) => type === "EOSE" || type === "CLOSED");
    if (type === "CLOSED") assertMatch(reason as string, /^(?:rate-limited|error): /);
  }
  await eventually(async () => (await other.query({ search: "the note 7" })).events.length === 1);
});
