/**
 * What one relay was asked and goes on answering: subscriptions and comparisons, those that are open, those that wait until
 * the relay's limits allow them, and the ids of those that were closed lately.
 * Belongs to the conversation with the relay, on its thread.
 *
 * @module
 */
import {
  UPSTREAM_CLOSED_REMEMBERED_MAX,
  UPSTREAM_LATE_MESSAGES_MAX,
  UPSTREAM_REQUESTS_WAITING_MAX,
  UPSTREAM_WAITING_MS_MAX,
} from "../limits.ts";
import type { Repeats } from "./repeats.ts";
import type { Situation } from "./situation.ts";

/** A subscription or a comparison. */
export interface Request {
  /** Of the subscription, on the wire. */
  readonly id: string;
  readonly repeats: Repeats;
  /** The message that opens it, and the one that closes it. */
  readonly opening: string;
  readonly closing: string;
  /** Whether nothing of what it brought is lost where it is opened once more. */
  readonly isRepeatable: boolean;
  /** It was sent. */
  opened(nowMs: number): void;
  /** It is over, and whoever asked is told; `message` has a prefix of NIP-01. */
  ended(message: string): void;
  /** Why it has waited too long for an answer, with a prefix, or null. */
  overdue(nowMs: number): string | null;
}

/** See the module's text. */
export class OpenRequests<Kind extends Request> {
  readonly #situation: Situation;
  readonly #openMax: number;
  readonly #open = new Map<string, Kind>();
  readonly #waiting = new Map<string, Kind>();
  /** Since when each of them waits, ms. */
  readonly #waitingSince = new WeakMap<Kind, number>();
  /** In the order of their ends; how many late messages of each are forgiven yet. */
  readonly #closed = new Map<string, number>();

  constructor(situation: Situation, openMax: number) {
    this.#situation = situation;
    this.#openMax = openMax;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** The request that is open under an id. */
  get(id: string): Kind | undefined {
    return this.#open.get(id);
  }

  /** Those that are open now. */
  opened(): readonly Kind[] {
    return [...this.#open.values()];
  }

  /** Whether a message for an id that is not open is late: it was on the way when the request was closed. */
  isLate(id: string): boolean {
    const left = this.#closed.get(id) ?? 0;
    if (left > 0) this.#closed.set(id, left - 1);
    return left > 0;
  }

  /** Queues a request; false where too many wait. */
  add(request: Kind): boolean {
    if (this.#waiting.size >= UPSTREAM_REQUESTS_WAITING_MAX) return false;
    this.#wait(request);
    return true;
  }

  /** Opens what the relay's limits allow. */
  flush(): void {
    const { proof, nowMs, send } = this.#situation;
    for (const request of this.#waiting.values()) {
      if (this.#open.size >= this.#openMax) return;
      if (!request.repeats.isReady(proof)) continue;
      this.#waiting.delete(request.id);
      this.#open.set(request.id, request);
      request.repeats.sent(proof);
      request.opened(nowMs);
      send(request.opening);
    }
  }

  /** Whoever asked wants no more. */
  close(request: Kind): void {
    if (this.#waiting.delete(request.id) || !this.#open.has(request.id)) return;
    this.#forget(request);
    this.#situation.send(request.closing);
  }

  /** The relay has refused or ended a request. */
  refused(request: Kind, message: string): void {
    this.#forget(request);
    const isRepeated = request.repeats.refused(message, this.#situation) && request.isRepeatable;
    if (isRepeated) this.#wait(request);
    else request.ended(message);
  }

  /** Closes a request for a reason of ours, and tells whoever asked. */
  abort(request: Kind, reason: string): void {
    this.close(request);
    request.ended(reason);
  }

  /** Ends what has waited too long. */
  tick(): void {
    const { proof, nowMs } = this.#situation;
    for (const request of [...this.#open.values()]) {
      const reason = request.overdue(nowMs);
      if (reason !== null) this.abort(request, reason);
    }
    for (const request of [...this.#waiting.values()]) {
      const reason = request.repeats.final({ proof, nowMs }) ?? this.#waitedTooLong(request);
      if (reason !== null) this.abort(request, reason);
    }
  }

  /** The connection has ended. */
  end(reason: string): void {
    const all = [...this.#open.values(), ...this.#waiting.values()];
    this.#open.clear();
    this.#waiting.clear();
    for (const request of all) request.ended(`error: ${reason}`);
  }

  #wait(request: Kind): void {
    this.#waiting.set(request.id, request);
    this.#waitingSince.set(request, this.#situation.nowMs);
  }

  #waitedTooLong(request: Kind): string | null {
    const waitedMs = this.#situation.nowMs - this.#waitingSince.get(request)!;
    if (waitedMs < UPSTREAM_WAITING_MS_MAX) return null;
    return `error: none of the relay's ${this.#openMax} subscriptions became free within ${UPSTREAM_WAITING_MS_MAX} ms`;
  }

  #forget(request: Kind): void {
    this.#open.delete(request.id);
    this.#closed.delete(request.id);
    this.#closed.set(request.id, UPSTREAM_LATE_MESSAGES_MAX);
    if (this.#closed.size <= UPSTREAM_CLOSED_REMEMBERED_MAX) return;
    const [oldest] = this.#closed.keys();
    this.#closed.delete(oldest!);
  }
}
