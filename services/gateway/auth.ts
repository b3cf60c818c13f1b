/**
 * Clients prove their keys (NIP-42). A proof is verified here and at once, like an event of one: a frame that follows
 * it already travels with the key.
 * The gateway's thread owns it and its verifier.
 *
 * A proof names the relay by its URL, so that another relay cannot pass on the challenge and use what it gets. Without
 * `RELAY_URL` the relay goes by the address that it listens on: what a client calls it proves nothing.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { ownUrls } from "../../lib/relay/own_urls.ts";
import { AuthState, CHALLENGE_BYTES } from "../../lib/nostr/auth.ts";
import type { NostrEvent } from "../../lib/nostr/event.ts";
import { eventFault } from "../../lib/verify/event_fault.ts";
import type { SignatureVerifier } from "../../lib/verify/verifier.ts";
import type { Answers } from "./answers.ts";
import type { Connection } from "./connection.ts";

/** See the module's text. */
export class Authentication {
  readonly #urls: readonly string[];
  readonly #verifier: SignatureVerifier;
  readonly #answers: Answers;
  /** Whether a client gets its challenge when it connects, and not only before its first `auth-required:`. */
  readonly #atOnce: boolean;

  constructor(config: Config, verifier: SignatureVerifier, answers: Answers) {
    this.#urls = ownUrls(config);
    this.#verifier = verifier;
    this.#answers = answers;
    this.#atOnce = config.RELAY_URL !== null;
  }

  /** What a new connection has proved: nothing. */
  newState(): AuthState {
    return new AuthState(this.#urls, crypto.getRandomValues(new Uint8Array(CHALLENGE_BYTES)));
  }

  /** Greets a connection. */
  opened(connection: Connection): void {
    if (this.#atOnce) this.#answers.challenge(connection);
  }

  /** Answers an AUTH message. */
  prove(connection: Connection, event: NostrEvent): void {
    const { auth } = connection;
    const fault = auth.fault(event, Math.floor(Date.now() / 1000)) ?? this.#signatureFault(event) ??
      auth.prove(event.pubkey);
    if (fault === null) connection.keysChanged();
    this.#answers.ok(connection, event.id, fault === null, fault ?? "");
  }

  #signatureFault(event: NostrEvent): string | null {
    const fault = eventFault(event, this.#verifier);
    return fault === null ? null : `invalid: ${fault}`;
  }
}
