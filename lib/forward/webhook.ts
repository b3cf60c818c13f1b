/**
 * A batch of events as an HTTP request: the body, and the headers of the Standard Webhooks specification, by which the
 * receiver knows who sent it and whether it has had it before.
 * Runs on the router's thread; no state.
 *
 * @module
 */
import { createHmac, hash } from "node:crypto";
import type { ForwardedEvent } from "./log_window.ts";

/** Secrets in the form of the specification begin so; base64 of the key follows. */
const SECRET_PREFIX = "whsec_";

/** What makes a batch the same batch. */
interface BatchIdentity {
  /** Of this log: its numbers mean other events in another one. */
  readonly log: string;
  readonly target: string;
  /** The entry after which the batch begins. */
  readonly after: number;
  /** The last entry of the batch. */
  readonly last: number;
  /** Ids of the ephemeral events in it: they have no place in the log. */
  readonly ephemeral: readonly string[];
}

/** The key that a setting means. */
export function webhookKey(secret: string): Uint8Array {
  if (!secret.startsWith(SECRET_PREFIX)) return new TextEncoder().encode(secret);
  try {
    return Uint8Array.fromBase64(secret.slice(SECRET_PREFIX.length));
  } catch {
    throw new SyntaxError(`Cannot read FORWARD_HTTP_SECRET "(hidden)": no base64 follows ${SECRET_PREFIX}`);
  }
}

/** The id of a batch: the same for each attempt, also after a restart. */
export function webhookId({ log, target, after, last, ephemeral }: BatchIdentity): string {
  return `msg_${hash("sha256", JSON.stringify([log, target, after, last, ephemeral]), "hex").slice(0, 32)}`;
}

/** The body of a batch of at least one event. `relay` is the URL of the relay that sends it. */
export function webhookBody(events: readonly ForwardedEvent[], relay: string): string {
  const texts = events.map(({ text }) => text).join(",");
  const [first, last] = [events[0]!.seq, events.at(-1)!.seq];
  return `{"relay":${JSON.stringify(relay)},"first_seq":${first},"last_seq":${last},"events":[${texts}]}`;
}

/**
 * The headers of one attempt.
 *
 * @param key Null: it is not signed.
 * @param seconds The time of the attempt, seconds since 1970.
 */
export function webhookHeaders(
  { id, body, key, seconds }: { id: string; body: string; key: Uint8Array | null; seconds: number },
): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "idempotency-key": id,
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
  };
  if (key !== null) {
    const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
    headers["webhook-signature"] = `v1,${signature}`;
  }
  return headers;
}
