/**
 * Why a connection with a relay failed or ended: a kind, by which a pool decides how long it waits, and a text for people.
 * Runs on any thread; no state.
 *
 * @module
 */

/** What went wrong. */
type FailureKind =
  /** The name has no address, or nobody answered for it. */
  | "dns"
  /** Nobody listens there, or there is no way to there. */
  | "refused"
  | "timeout"
  /** The certificate, or the handshake of TLS. */
  | "tls"
  /** An answer to the handshake other than "101 Switching Protocols". */
  | "http"
  | "redirect"
  /** The relay wants authentication that does not come about. */
  | "auth"
  /** Bytes or messages that are not of the protocol, or that nobody asked for. */
  | "garbage"
  | "too-large"
  /** The name leads to an address that may not be called. */
  | "private-address"
  /** The relay, or the network, closed an open connection. */
  | "closed";

/** See the module's text. */
export interface Failure {
  readonly kind: FailureKind;
  /** A whole reason, such as `the certificate has expired`. */
  readonly reason: string;
  /** The status of an HTTP answer, where that is what failed. */
  readonly status?: number;
}

/** A connection that could not be opened, or a document that could not be read. */
export class RelayFailure extends Error {
  override name = "RelayFailure";
  readonly failure: Failure;

  constructor(what: string, failure: Failure) {
    super(`Cannot ${what}: ${failure.reason}`);
    this.failure = failure;
  }
}
