/**
 * Fresh keys and signed events, by nostr-tools over libsecp256k1 in WASM: none of the relay's own code.
 * Runs in the process of the checker; keys are random and die with it.
 *
 * @module
 */
import { createHash, hash } from "node:crypto";
import { initNostrWasm } from "nostr-wasm";
import type { Event } from "nostr-tools/core";
import { finalizeEvent, generateSecretKey, getPublicKey, setNostrWasm } from "nostr-tools/wasm";
import { WORK_BITS_MAX } from "./bounds.ts";
import { NotApplicable } from "./rule.ts";

setNostrWasm(await initNostrWasm());

/** A signed event (NIP-01). */
export type { Event };

/** What a rule decides about an event. `created_at` is now unless given. */
export type Template = Partial<Pick<Event, "kind" | "content" | "tags" | "created_at">>;

/** A key pair. */
export interface Key {
  readonly secret: Uint8Array;
  readonly pubkey: string;
}

/** A key that nobody else has. */
export function freshKey(): Key {
  return keyOf(generateSecretKey());
}

/** The key of a secret. @param secret 32 bytes. */
export function keyOf(secret: Uint8Array): Key {
  return { secret, pubkey: getPublicKey(secret) };
}

/** Seconds since 1970. */
export function now(): number {
  return Math.floor(Date.now() / 1_000);
}

/**
 * Signs an event.
 *
 * @param bits The work that its id shows (NIP-13); 0 for none.
 * @throws {NotApplicable} if the relay asks for more work than is polite to do.
 */
export function sign(key: Key, template: Template = {}, bits = 0): Event {
  const { kind = 1, content = "", tags = [], created_at = now() } = template;
  const mined = bits > 0 ? mine({ pubkey: key.pubkey, created_at, kind, tags, content }, bits) : tags;
  return finalizeEvent({ kind, content, tags: mined, created_at }, key.secret) as Event;
}

/**
 * Signs an event whose fields may have any type: the signature is right, the shape is not. Where its tags are an array
 * it has its work too, so that it is refused for its shape alone.
 */
export function signAnything(key: Key, fields: Record<string, unknown>, bits = 0): Record<string, unknown> {
  const template = { kind: 1, content: "", tags: [], created_at: now(), ...fields };
  if (bits > 0 && Array.isArray(template.tags)) {
    const unsigned = { ...template, pubkey: key.pubkey } as unknown as Omit<Event, "id" | "sig">;
    Object.assign(template, { tags: mine(unsigned, bits) });
  }
  return finalizeEvent(template as unknown as Event, key.secret) as unknown as Record<string, unknown>;
}

/** The id that NIP-01 gives to an event. */
export function idOf({ pubkey, created_at, kind, tags, content }: Omit<Event, "id" | "sig">): string {
  return hash("sha256", JSON.stringify([0, pubkey, created_at, kind, tags, content]), "hex");
}

/** Leading zero bits of an id, as NIP-13 counts them. */
export function workOf(id: string): number {
  const zeros = /^0*/.exec(id)![0].length;
  return zeros * 4 + (zeros < id.length ? Math.clz32(parseInt(id[zeros]!, 16)) - 28 : 0);
}

/** The tags with a nonce that gives the id its work. @param committed The target that the nonce tag names. */
export function mine(event: Omit<Event, "id" | "sig">, bits: number, committed = bits): string[][] {
  if (bits > WORK_BITS_MAX) {
    throw new NotApplicable(`events need ${bits} bits of work; ${WORK_BITS_MAX} are mined`);
  }
  for (let nonce = 0;; nonce++) {
    const tags = [...event.tags, ["nonce", String(nonce), String(committed)]];
    if (workOf(idOf({ ...event, tags })) >= bits) return tags;
  }
}

/** SHA-256 as hex. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
