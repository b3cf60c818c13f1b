/**
 * WebSockets that an actor other than the gateway serves, such as `/ws` and `/fanout`: the gateway accepts them, bounds
 * them, and passes their texts on by its port. What waits for a slow reader is bounded by credit: the actor counts what
 * it has sent and the gateway has not reported as written, and stops at `PIPED_SOCKET_BYTES_MAX`. Types only; any
 * thread.
 *
 * @module
 */
import type { Proof } from "./pages.ts";

/** Gateway to actor. */
export type SocketNotice =
  /** A socket was opened. */
  | {
    readonly type: "opened";
    /** Unique within this life of the gateway. */
    readonly number: number;
    readonly path: string;
    /** Without the question mark. */
    readonly query: string;
    /** The client's address. */
    readonly address: string;
    /** The `Host` that the client asked for. */
    readonly host: string;
    /** What its request's `Authorization` header (NIP-98, or `API_TOKEN`) proved. */
    readonly proof: Proof;
  }
  /** It sent a text. */
  | { readonly type: "text"; readonly number: number; readonly text: string }
  /** So many characters of those it was sent have left the process. */
  | { readonly type: "written"; readonly number: number; readonly chars: number }
  | { readonly type: "closed"; readonly number: number };

/** Actor to gateway. */
export type SocketOrder =
  /** Its text was taken: only then is the next one read, so that a client that floods waits for its own texts. */
  | { readonly type: "taken"; readonly number: number }
  /** Texts, one frame each, in their order. */
  | { readonly type: "send"; readonly number: number; readonly texts: readonly string[] }
  | { readonly type: "close"; readonly number: number; readonly code: number; readonly reason: string };
