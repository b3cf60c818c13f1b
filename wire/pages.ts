/**
 * Requests over HTTP that an actor other than the gateway answers: what a gateway asks by its port, and the answers. By
 * `postMessage`: all of it is rare. Each request has a number that its gateway has chosen, and its answer carries it.
 * Types only; any thread.
 *
 * @module
 */

/** Who asks, as far as it was proved. */
export interface Proof {
  /** The key that NIP-98 proved for this very request and body, hex; null: none. */
  readonly key: string | null;
  /** Whether that key manages the relay, or the request carried `API_TOKEN`. */
  readonly isAdmin: boolean;
}

/** A request. */
export interface PageAsked {
  readonly type: "page";
  readonly number: number;
  readonly method: "GET" | "POST" | "DELETE";
  /** Without the query string. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** UTF-8 of at most `API_BODY_BYTES_MAX`; empty: none. */
  readonly body: string;
  readonly proof: Proof;
}

/** What is sent back. */
export interface PageReply {
  readonly status: number;
  /** JSON. */
  readonly body: string;
  /** Headers besides those of all pages, such as `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The answer to the request with this number. */
export interface PageAnswered {
  readonly type: "page";
  readonly number: number;
  readonly reply: PageReply;
}
