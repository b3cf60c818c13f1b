/**
 * What has come over one connection, by what it was, and when it is too much that nobody asked for.
 * Belongs to the conversation with the relay, on its thread.
 *
 * @module
 */
import { UPSTREAM_GARBAGE_MAX, UPSTREAM_NOISE_MAX, UPSTREAM_NOISE_MS } from "../limits.ts";
import type { Failure } from "./failure.ts";

/** See the module's text. */
export class ReceivedCounts {
  /** Everything. */
  messages = 0;
  /** Events that were asked for, known ones included. */
  events = 0;
  /** Events that no subscription asked for, or that its filters do not match. */
  unasked = 0;
  /** Messages that are not of the protocol, events without the right shape among them. */
  garbage = 0;
  /** Messages that answer nothing, such as NOTICE. */
  noise = 0;
  /** The counts when the present time of counting began, and when it ends, ms. */
  #before = { messages: 0, idle: 0, garbage: 0 };
  #untilMs = -Infinity;

  /** Why the connection is to end, or null. */
  failure(nowMs: number): Failure | null {
    const { messages, garbage } = this;
    const idle = this.unasked + this.noise + garbage;
    if (nowMs >= this.#untilMs) {
      if (this.#untilMs > 0) this.#before = { messages, idle, garbage };
      this.#untilMs = nowMs + UPSTREAM_NOISE_MS;
    }
    const lately = {
      messages: messages - this.#before.messages,
      idle: idle - this.#before.idle,
      garbage: garbage - this.#before.garbage,
    };
    if (lately.garbage > UPSTREAM_GARBAGE_MAX) {
      const reason = `the relay has sent ${lately.garbage} messages that are not of the protocol`;
      return { kind: "garbage", reason };
    }
    if (lately.idle <= UPSTREAM_NOISE_MAX || 2 * lately.idle <= lately.messages) return null;
    return {
      kind: "garbage",
      reason: `${lately.idle} of the relay's ${lately.messages} messages answer nothing`,
    };
  }
}
