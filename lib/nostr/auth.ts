/**
 * Authentication of clients (NIP-42): what a connection has proved, and the check of a proof.
 * Belongs to the thread that holds the connection. Signatures are verified elsewhere, between
 * {@linkcode AuthState.fault} and {@linkcode AuthState.prove}.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { AUTH_KEYS_MAX, AUTH_SECONDS_MAX } from "../limits.ts";
import type { NostrEvent } from "./event.ts";
import { normalRelayUrl } from "./relay_url.ts";

/** An event that proves a key to a relay. It is for AUTH and never published. */
export const KIND_AUTH = 22_242;
/** Random bytes of a challenge: nobody guesses one, and no two connections share one. */
export const CHALLENGE_BYTES = 16;

/** Shared: most connections prove no key, and an empty set is 220 bytes. */
const NO_KEYS: ReadonlySet<string> = new Set();

/** Normal forms by the list that they were made of: all connections share one, and no URL is parsed anew for each. */
const normalUrls = new WeakMap<readonly string[], readonly string[]>();

function normalUrlsOf(relayUrls: readonly string[]): readonly string[] {
  const known = normalUrls.get(relayUrls);
  if (known !== undefined) return known;
  const made = relayUrls.map((url) => {
    const normal = normalRelayUrl(url);
    invariant(normal !== null, "the relay's own URL is one of a relay");
    return normal;
  });
  normalUrls.set(relayUrls, made);
  return made;
}

/** One connection's challenge and the keys that it has proved. Every one of them counts (NIP-42). */
export class AuthState {
  readonly #relayUrls: readonly string[];
  #authenticated: ReadonlySet<string> = NO_KEYS;
  #challenge: string;

  /**
   * @param relayUrls Every URL under which clients know this relay; the same unchanged list for all connections.
   * @param random {@linkcode CHALLENGE_BYTES} random bytes.
   */
  constructor(relayUrls: readonly string[], random: Uint8Array) {
    invariant(random.length >= CHALLENGE_BYTES, "a challenge has enough random bytes");
    this.#relayUrls = normalUrlsOf(relayUrls);
    this.#challenge = random.toHex();
  }

  /** What the client has to sign; sent as `["AUTH", challenge]`. */
  get challenge(): string {
    return this.#challenge;
  }

  /** The keys proved so far, in the order of their proofs. */
  get authenticated(): ReadonlySet<string> {
    return this.#authenticated;
  }

  /**
   * What is wrong with a proof whose shape is right, as the text of an `OK false`, or null. The id and the signature
   * are not looked at.
   */
  fault(event: NostrEvent, nowSeconds: number): string | null {
    if (event.kind !== KIND_AUTH) return `invalid: an AUTH event has the kind ${KIND_AUTH}`;
    if (Math.abs(event.created_at - nowSeconds) > AUTH_SECONDS_MAX) {
      return `invalid: created_at is more than ${AUTH_SECONDS_MAX} seconds from now`;
    }
    if (tagValue(event, "challenge") !== this.#challenge) {
      return "invalid: the challenge is not the one that was sent";
    }
    const url = normalRelayUrl(tagValue(event, "relay") ?? "");
    if (url === null || !this.#relayUrls.includes(url)) {
      return `invalid: the relay tag names another relay than ${this.#relayUrls[0]}`;
    }
    if (this.#authenticated.size >= AUTH_KEYS_MAX && !this.#authenticated.has(event.pubkey)) {
      return `restricted: a connection proves at most ${AUTH_KEYS_MAX} keys`;
    }
    return null;
  }

  /**
   * Takes a key as proved. Call it after the proof's signature was verified.
   *
   * @returns null, or the text of an `OK false`: proofs that were verified side by side may be too many.
   */
  prove(pubkey: string): string | null {
    if (this.#authenticated.size >= AUTH_KEYS_MAX && !this.#authenticated.has(pubkey)) {
      return `restricted: a connection proves at most ${AUTH_KEYS_MAX} keys`;
    }
    this.#authenticated = new Set([...this.#authenticated, pubkey]);
    return null;
  }
}

/** The value of the first tag of a name: a second one is no second chance. */
function tagValue(event: NostrEvent, name: string): string | undefined {
  for (const tag of event.tags) if (tag[0] === name) return tag[1];
  return undefined;
}
