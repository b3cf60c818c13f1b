/** Tests of a signal's frames: fields, keys, and what an event's content is for those who read it. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { encrypt, getConversationKey } from "nostr-tools/nip44";
import { encrypt as encryptNip04 } from "nostr-tools/nip04";
import { signEvent, testKey } from "../../tests/support/sign.ts";
import { conversationKey, decrypt, openSecret } from "./nip44.ts";
import { plainContent, Signal } from "./payload.ts";
import { randomPool } from "./random_pool.ts";
import { secretKeyOf } from "./shared_secret.ts";

const [BOT, RELAY, ANN] = [testKey(1), testKey(2), testKey(3)];
const own = openSecret(RELAY.secret.toHex());
const random = randomPool((bytes) => crypto.getRandomValues(bytes));

function signalOf(content: string): Signal {
  const event = signEvent(BOT, { kind: 30_931, content });
  return new Signal(7, event, plainContent(event, own));
}

Deno.test("a frame says whose it is, of which signal, and how it is encrypted", () => {
  const conversation = conversationKey(own, ANN.pubkey);
  const frame = JSON.parse(signalOf("buy").frameFor(ANN.pubkey, { secret: null, conversation }, random));
  const { original_event_id: id, payload, ...rest } = frame;
  assertEquals(rest, {
    target_pubkey: ANN.pubkey,
    bot_pubkey: BOT.pubkey,
    kind: 30_931,
    seq: 7,
    encryption: "nip44",
  });
  assertEquals(id.length, 64);
  assertEquals(decrypt(conversationKey(openSecret(ANN.secret.toHex()), RELAY.pubkey)!, payload), "buy");
});

Deno.test("two frames of one signal have two nonces", () => {
  const keys = { secret: secretKeyOf("secret"), conversation: null };
  const signal = signalOf("buy");
  assertNotEquals(signal.frameFor(ANN.pubkey, keys, random), signal.frameFor(ANN.pubkey, keys, random));
});

Deno.test("a frame says why there is no payload", () => {
  const conversation = conversationKey(own, ANN.pubkey);
  for (const content of ["", "x".repeat(70_000)]) {
    const frame = JSON.parse(signalOf(content).frameFor(ANN.pubkey, { secret: null, conversation }, random));
    assertEquals(frame.payload, null);
    assert(frame.error.endsWith(`not ${content.length}`));
  }
  const keyless = JSON.parse(
    signalOf("a").frameFor(ANN.pubkey, { secret: null, conversation: null }, random),
  );
  assertEquals([keyless.payload, typeof keyless.error], [null, "string"]);
});

Deno.test("plainContent() decrypts what was encrypted to the relay, and leaves everything else", () => {
  const conversation = getConversationKey(BOT.secret, RELAY.pubkey);
  const read = (content: string, key = own as typeof own | null) =>
    plainContent(signEvent(BOT, { kind: 30_931, content }), key);
  assertEquals(read(encrypt("private", conversation)), "private");
  assertEquals(read(encryptNip04(BOT.secret, RELAY.pubkey, "of old")), "of old");
  const elses = encrypt("private", getConversationKey(BOT.secret, ANN.pubkey));
  const broken = encryptNip04(BOT.secret, RELAY.pubkey, "of old").replace("?iv=", "A?iv=");
  for (const content of ["", "{}", elses, broken, "A".repeat(200), "AAAA?iv=AAAAAAAAAAAAAAAAAAAAAA=="]) {
    assertEquals(read(content), content);
  }
  const text = encrypt("private", conversation);
  assertEquals(read(text, null), text);
});
