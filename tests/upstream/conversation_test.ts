/**
 * Conversations with the real relay: what is asked and published goes over a real socket.
 * Run on the test's thread; the relay is shared by the tests of this file.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { CallableTargets } from "../../lib/network/callable_targets.ts";
import {
  type OpenConversation,
  openConversation,
  type OpenConversationOptions,
} from "../../runtime/open_conversation.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";

const callable = new CallableTargets(["localhost", "127.0.0.1"]);

function open(url: string, options: Partial<OpenConversationOptions> = {}): Promise<OpenConversation> {
  return openConversation(url, { callable, ...options });
}

/** What a subscription brings until its EOSE, or its end. */
async function stored(
  { conversation }: OpenConversation,
  ...filters: Record<string, unknown>[]
): Promise<{ ids: string[]; end: string }> {
  const ids: string[] = [];
  const end = Promise.withResolvers<string>();
  const opened = conversation.subscribe(filters, {
    event: (_text, id) => ids.push(id),
    eose: () => end.resolve("EOSE"),
    closed: end.resolve,
  });
  const result = { ids, end: await end.promise };
  opened.close();
  return result;
}

Deno.test("a conversation with the real relay publishes, asks for what is stored and hears what is live", async () => {
  await using relay = await startRelay();
  const open1 = await open(relay.url.replace("127.0.0.1", "localhost"), { keepsEchoes: true });
  const { conversation } = open1;
  const first = signEvent(testKey(1), { content: "stored" });
  assertEquals(await conversation.publish(JSON.stringify(first), first.id), { accepted: true, message: "" });
  assertEquals(await stored(open1, { kinds: [1] }), { ids: [first.id], end: "EOSE" });
  assertEquals(conversation.cameFrom(first.id), true);

  const live = Promise.withResolvers<string>();
  conversation.subscribe([{ kinds: [1], limit: 0 }], {
    event: (text) => live.resolve(JSON.parse(text).content),
    eose() {},
    closed: live.reject,
  });
  const second = signEvent(testKey(1), { content: "live" });
  await conversation.publish(JSON.stringify(second), second.id);
  assertEquals(await live.promise, "live");
  assertEquals(conversation.counts, { events: 2, unasked: 0, garbage: 0, noise: 0, messages: 6 });
  await open1.close();
});
