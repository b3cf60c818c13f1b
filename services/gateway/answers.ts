/**
 * The answers that say yes or no, OK and CLOSED: counted by their prefixes, and never `auth-required:` without the
 * challenge that the client needs for it (NIP-42).
 * The gateway's thread owns it; no state but the metrics'.
 *
 * @module
 */
import { slotsOf } from "../../lib/metrics/layout.ts";
import type { ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { prefixOf } from "../../lib/nostr/prefixes.ts";
import { authText, closedText, okText } from "../../lib/nostr/relay_message.ts";
import type { Connection } from "./connection.ts";

const OKS = slotsOf("nostr_oks_total");
const CLOSEDS = slotsOf("nostr_closed_total");

/** See the module's text. */
export class Answers {
  readonly #metrics: ThreadMetrics;

  constructor(metrics: ThreadMetrics) {
    this.#metrics = metrics;
  }

  /** The answer to an EVENT or an AUTH. */
  ok(connection: Connection, id: string, accepted: boolean, message: string): void {
    this.countOk(accepted, message);
    this.#challengeIfAsked(connection, message);
    // Nearly every OK is this one.
    if (accepted && message === "") connection.send(`["OK","${id}",true,""]`);
    else connection.send(okText(id, accepted, message));
  }

  /** Counts an OK that is sent in another way, or to nobody any more. */
  countOk(accepted: boolean, message: string): void {
    this.#metrics.add(accepted && message === "" ? OKS.accepted : OKS[prefixOf(message) ?? "error"], 1);
  }

  /** The end of a subscription, or of what might have become one. */
  closed(connection: Connection, subscriptionId: string, message: string): void {
    this.#metrics.add(CLOSEDS[prefixOf(message) ?? "error"], 1);
    this.#challengeIfAsked(connection, message);
    connection.send(closedText(subscriptionId, message));
  }

  /** Counts a CLOSED that is sent in another way. */
  countClosed(message: string): void {
    this.#metrics.add(CLOSEDS[prefixOf(message) ?? "error"], 1);
  }

  /** Sends the connection's challenge, once. */
  challenge(connection: Connection): void {
    if (connection.wasChallenged) return;
    connection.wasChallenged = true;
    connection.send(authText(connection.auth.challenge));
  }

  #challengeIfAsked(connection: Connection, message: string): void {
    if (!connection.wasChallenged && message.startsWith("auth-required:")) this.challenge(connection);
  }
}
