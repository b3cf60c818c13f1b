/**
 * What errors of sockets, TLS and `ws` mean, as kinds of failure of a relay.
 * Runs on any thread; no state.
 *
 * @module
 */
import { UPSTREAM_MESSAGE_BYTES_MAX } from "../lib/limits.ts";
import { shownText } from "../lib/upstream/relay_messages.ts";
import type { Failure } from "../lib/upstream/failure.ts";

/** Codes of the system that say that there is no way to the other side. */
const REFUSED: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ENETUNREACH: "there is no route to its network",
  EHOSTUNREACH: "there is no route to its host",
  EADDRNOTAVAIL: "no local address can be used for it",
  EACCES: "the system does not permit it",
  EPERM: "the system does not permit it",
  EMFILE: "this process has too many open files",
};
/** Codes and texts of node:tls, of OpenSSL and of rustls. */
const TLS =
  /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|UNKNOWN_?ISSUER)|certificate|\btls\b|InvalidMessage|alert|corrupt message|UnknownIssuer/i;

/** The failure that an error means, before or after the handshake. */
export function failureOf(error: unknown): Failure {
  const { code = "", message } = error as { code?: string; message: string };
  const text = shownText(message);
  const refused = REFUSED[code];
  if (refused !== undefined) return { kind: "refused", reason: refused };
  if (code === "ETIMEDOUT") return { kind: "timeout", reason: "the connection was not answered" };
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
    return { kind: "too-large", reason: `a message is longer than ${UPSTREAM_MESSAGE_BYTES_MAX} bytes` };
  }
  if (code === "WS_ERR_TOO_MANY_BUFFERED_PARTS") {
    return { kind: "too-large", reason: "a message came in too many pieces" };
  }
  if (code.startsWith("WS_ERR") || code.startsWith("HPE_") || /Parse Error|invalid HTTP/i.test(text)) {
    return { kind: "garbage", reason: `what came is not of the protocol: ${text}` };
  }
  if (TLS.test(code) || TLS.test(text)) return { kind: "tls", reason: `no secure connection: ${text}` };
  if (/^(Sec-WebSocket|Invalid Sec-WebSocket|Invalid Upgrade|Server sent)/i.test(text)) {
    return { kind: "garbage", reason: `the handshake is wrong: ${text}` };
  }
  return { kind: "closed", reason: `the connection broke off: ${text || code || "no reason given"}` };
}

/** The failure that an HTTP answer means in place of the one that was asked for. */
export function answerFailure(status: number, location: string | undefined): Failure {
  if (status >= 300 && status < 400) {
    const target = location === undefined ? "" : ` to "${shownText(location)}"`;
    return { kind: "redirect", reason: `it redirects${target}, which is not followed`, status };
  }
  return { kind: status === 401 ? "auth" : "http", reason: `it answered with status ${status}`, status };
}
