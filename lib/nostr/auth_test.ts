/**
 * Tests of NIP-42's state and check. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { InvariantError } from "../invariant.ts";
import { AUTH_KEYS_MAX, AUTH_SECONDS_MAX } from "../limits.ts";
import { AuthState, CHALLENGE_BYTES, KIND_AUTH } from "./auth.ts";
import type { NostrEvent } from "./event.ts";

const NOW = 1_700_000_000;
const RELAY = "wss://relay.example.com";
const KEY = "a".repeat(64);

function state(...relayUrls: string[]): AuthState {
  return new AuthState(relayUrls.length > 0 ? relayUrls : [RELAY], new Uint8Array(CHALLENGE_BYTES).fill(7));
}

function proof(challenge: string, fields: Partial<NostrEvent> = {}): NostrEvent {
  return {
    id: "0".repeat(64),
    pubkey: KEY,
    created_at: NOW,
    kind: KIND_AUTH,
    tags: [["relay", RELAY], ["challenge", challenge]],
    content: "",
    sig: "0".repeat(128),
    ...fields,
  };
}

Deno.test("a proper proof has no fault and its key counts once it is proved", () => {
  const auth = state();
  assertEquals(auth.fault(proof(auth.challenge), NOW), null);
  assertEquals(auth.authenticated.size, 0);
  assertEquals(auth.prove(KEY), null);
  assertEquals([...auth.authenticated], [KEY]);
});

Deno.test("several keys of one connection all count, in the order of their proofs", () => {
  const auth = state();
  const keys = ["c", "a", "b"].map((digit) => digit.repeat(64));
  for (const pubkey of keys) {
    assertEquals(auth.fault(proof(auth.challenge, { pubkey }), NOW), null);
    assertEquals(auth.prove(pubkey), null);
  }
  auth.prove(keys[1]!);
  assertEquals([...auth.authenticated], keys);
});

Deno.test("challenges follow from the random bytes, and too few of them are our own mistake", () => {
  const other = new AuthState([RELAY], new Uint8Array(CHALLENGE_BYTES).fill(8));
  assertEquals(state().challenge.length, 2 * CHALLENGE_BYTES);
  assertNotEquals(other.challenge, state().challenge);
  assertThrows(() => new AuthState([RELAY], new Uint8Array(4)), InvariantError);
  assertThrows(() => new AuthState(["https://x.example"], new Uint8Array(16)), InvariantError);
});

Deno.test("another kind is no proof", () => {
  const auth = state();
  assertEquals(
    auth.fault(proof(auth.challenge, { kind: 1 }), NOW),
    "invalid: an AUTH event has the kind 22242",
  );
});

Deno.test("a proof is good for ten minutes before and after its time", () => {
  const auth = state();
  for (const sign of [-1, 1]) {
    const edge = NOW + sign * AUTH_SECONDS_MAX;
    assertEquals(auth.fault(proof(auth.challenge, { created_at: edge }), NOW), null);
    assertEquals(
      auth.fault(proof(auth.challenge, { created_at: edge + sign }), NOW),
      "invalid: created_at is more than 600 seconds from now",
    );
  }
});

Deno.test("the challenge has to be exactly the connection's own", () => {
  const auth = state();
  const tags = (challenge: string[]) => [["relay", RELAY], challenge];
  const wrong = [
    ["challenge", auth.challenge.toUpperCase() + "x"],
    ["challenge", auth.challenge.slice(1)],
    ["challenge", ""],
    ["challenge"],
    ["Challenge", auth.challenge],
    ["x"],
  ];
  for (const tag of wrong) {
    assertEquals(
      auth.fault(proof("", { tags: tags(tag) }), NOW),
      "invalid: the challenge is not the one that was sent",
      tag.join(),
    );
  }
  const second = [["relay", RELAY], ["challenge", "x"], ["challenge", auth.challenge]];
  assert(auth.fault(proof("", { tags: second }), NOW)?.startsWith("invalid: the challenge"));
});

Deno.test("the relay tag has to name this relay, however it is spelt", () => {
  const auth = state("wss://Relay.example.com:443/", "ws://hidden.onion/inbox");
  const verdict = (relay: string) =>
    auth.fault(proof("", { tags: [["relay", relay], ["challenge", auth.challenge]] }), NOW);
  for (const own of ["wss://relay.example.com/", "WSS://RELAY.EXAMPLE.COM", "ws://hidden.onion/inbox/"]) {
    assertEquals(verdict(own), null, own);
  }
  const foreign = [
    "",
    "relay.example.com",
    "ws://relay.example.com",
    "wss://relay.example.com/inbox",
    "wss://relay.example.com:444",
    "ws://hidden.onion",
    "wss://evil.example/?wss://relay.example.com",
    "wss://relay.example.com@evil.example",
  ];
  for (const other of foreign) {
    assertEquals(
      verdict(other),
      "invalid: the relay tag names another relay than wss://relay.example.com",
      other,
    );
  }
  assert(auth.fault(proof("", { tags: [["challenge", auth.challenge]] }), NOW)?.includes("another relay"));
});

Deno.test("a connection proves a bounded number of keys, and may repeat one of them", () => {
  const auth = state();
  const key = (n: number) => n.toString(16).padStart(64, "0");
  for (let n = 0; n < AUTH_KEYS_MAX; n++) assertEquals(auth.prove(key(n)), null);
  const refusal = "restricted: a connection proves at most 32 keys";
  assertEquals(auth.fault(proof(auth.challenge, { pubkey: key(99) }), NOW), refusal);
  assertEquals(auth.prove(key(99)), refusal);
  assertEquals(auth.fault(proof(auth.challenge, { pubkey: key(3) }), NOW), null);
  assertEquals(auth.prove(key(3)), null);
  assertEquals(auth.authenticated.size, AUTH_KEYS_MAX);
});
