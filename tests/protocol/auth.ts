/**
 * How tests prove keys to a relay (NIP-42).
 * Runs on a test file's thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { connect, type OkMessage, type TestClient } from "../support/client.ts";
import { type EventTemplate, signEvent, type TestEvent, type TestKey } from "../support/sign.ts";

/** What the relays of these tests are called. */
export const RELAY_URL = "wss://relay.example.com/";

/** The challenge that the relay sent to this client. */
export async function challengeOf(client: TestClient): Promise<string> {
  const message = await client.nextOfType("AUTH");
  assertEquals(message.length, 2);
  return message[1] as string;
}

/** A proof of a key; `changes` make it a wrong one. */
export function proofOf(key: TestKey, challenge: string, changes: EventTemplate = {}): TestEvent {
  return signEvent(key, { kind: 22_242, tags: [["relay", RELAY_URL], ["challenge", challenge]], ...changes });
}

/** Connects and proves the keys, which the relay must accept. The relay has to be called {@linkcode RELAY_URL}. */
export async function connectAs(url: string, ...keys: TestKey[]): Promise<TestClient> {
  const client = await connect(url);
  const challenge = await challengeOf(client);
  for (const key of keys) {
    const proof = proofOf(key, challenge);
    assertEquals(await client.authenticate(proof), ["OK", proof.id, true, ""] satisfies OkMessage);
  }
  return client;
}
