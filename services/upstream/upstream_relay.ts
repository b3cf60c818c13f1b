/**
 * One upstream relay: whether it is called, connected, left alone, and why. What it says on a connection is
 * `upstream_connection.ts`.
 * Runs on an upstream worker, which owns it.
 *
 * ```
 *   waiting ──pause over──▶ (turn of the dial queue) ──▶ connecting ──▶ open ──ended──▶ waiting
 *      ▲                                                      │ failed                     │ invalid events
 *      ╰──────────────────────────────────────────────────────╯            quarantined ◀───╯   off: nobody wants it
 * ```
 *
 * @module
 */
import { UPSTREAM_ADDRESS_WAIT_MS, UPSTREAM_COUNTS_MS, UPSTREAM_STEADY_MS } from "../../lib/limits.ts";
import type { CallableTargets } from "../../lib/network/callable_targets.ts";
import type { RelayKey } from "../../lib/relay/relay_key.ts";
import type { Stream } from "../../lib/routing/stream.ts";
import { Circuit } from "../../lib/upstream/circuit.ts";
import type { DialQueue } from "../../lib/upstream/dial_queue.ts";
import { type Failure, RelayFailure } from "../../lib/upstream/failure.ts";
import { Quarantine } from "../../lib/upstream/quarantine.ts";
import type { PoliteLimits } from "../../lib/upstream/relay_conversation.ts";
import type { RelayRow, RelayState } from "../../lib/upstream/relay_table.ts";
import { type OpenConversation, openConversation } from "../../runtime/open_conversation.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Intake } from "./intake.ts";
import { UpstreamConnection } from "./upstream_connection.ts";
import { RelayCounts } from "./relay_counts.ts";
import type { StreamParts } from "./relay_streams.ts";

/** What all relays of a worker share. */
export interface SharedParts {
  readonly worker: number;
  readonly intake: Intake;
  readonly dials: DialQueue;
  readonly callable: () => CallableTargets;
  /** The pause between two checks of health, ms. */
  readonly healthMs: () => number;
  readonly key: RelayKey | null;
  readonly streams: StreamParts;
  /** The longest that the handshake of a connection takes, ms; null: the default. */
  readonly handshakeMs: () => number | null;
  /** What a relay allows. */
  readonly limitsOf: (url: string) => Promise<PoliteLimits>;
  /** A number for a connection. */
  readonly nextNumber: () => number;
  /** Something of this relay has changed that its row shows. */
  readonly changed: (relay: UpstreamRelay) => void;
  readonly log: Logger;
}

/** See the module's text. */
export class UpstreamRelay {
  readonly url: string;
  readonly counts = new RelayCounts();
  readonly #parts: SharedParts;
  readonly #circuit = new Circuit(Math.random);
  readonly #quarantine = new Quarantine();
  #sources: readonly string[] = [];
  #streams: readonly Stream[] = [];
  #attempt: AbortController | null = null;
  #connection: UpstreamConnection | null = null;
  #failure: Failure | null = null;
  /** When it is called again, by `performance.now()`; it waits for its turn after that. */
  #nextTryMs = -Infinity;
  #nextHealthMs = Infinity;
  /** When its counts are written next. */
  #nextCountsMs = -Infinity;
  #isSteady = false;
  #isRemoved = false;

  constructor(url: string, parts: SharedParts) {
    this.url = url;
    this.#parts = parts;
  }

  get state(): RelayState {
    if (this.#isRemoved || this.#streams.length === 0) return "off";
    if (this.#quarantine.isOn(performance.now())) return "quarantined";
    if (this.#connection !== null) return "open";
    return this.#attempt !== null ? "connecting" : "waiting";
  }

  /** Goes on with what an earlier life knew of this relay. */
  resume(row: RelayRow): void {
    this.counts.resume(row);
    const untilMs = performance.now() + row.quarantineUntil * 1000 - Date.now();
    this.#quarantine.resume(
      row.quarantineUntil === 0 ? -Infinity : untilMs,
      row.failureText,
      row.quarantines,
    );
  }

  /** Who names it, and which streams it has, from now on. */
  use(sources: readonly string[], streams: readonly Stream[]): void {
    this.#sources = sources;
    this.#streams = streams;
    for (const stream of streams) {
      if (stream.direction !== "down") this.#parts.streams.ups.reserve(stream, this.url);
    }
    if (streams.length === 0) this.#disconnect();
    else this.#connection?.use(streams);
    this.#parts.changed(this);
  }

  /** Does what is due about once a second. */
  tick(nowMs: number): void {
    const connection = this.#connection;
    if (connection !== null) return this.#tend(connection, nowMs);
    const isDue = this.state === "waiting" && nowMs >= this.#nextTryMs;
    if (isDue) this.#parts.dials.add(this.url);
  }

  /** It is its turn in the dial queue. */
  async dial(): Promise<void> {
    const attempt = this.#attempt = new AbortController();
    this.#circuit.dials();
    this.#parts.changed(this);
    try {
      const opened = await this.#open(attempt.signal);
      if (this.#attempt !== attempt) return void opened.close();
      this.#attempt = null;
      this.#connected(opened);
    } catch (error) {
      if (this.#attempt !== attempt) return;
      this.#attempt = null;
      this.#parts.dials.release(this.url);
      this.#failed(error instanceof RelayFailure ? error.failure : unknownFailure(error));
    }
  }

  /** Nobody names it any more, or the worker ends: closes politely. */
  async remove(): Promise<void> {
    this.#isRemoved = true;
    await this.#disconnect();
  }

  /** As the table shows it. */
  get row(): RelayRow {
    const { state, counts } = this;
    const isQuarantined = state === "quarantined";
    const nextTryMs = isQuarantined ? this.#quarantine.untilMs : this.#nextTryMs;
    const waits = state === "waiting" && nextTryMs > performance.now() || isQuarantined;
    return {
      url: this.url,
      sources: this.#sources,
      worker: this.#parts.worker,
      state,
      failure: isQuarantined ? "invalid" : this.#failure?.kind ?? "",
      failureText: isQuarantined ? this.#quarantine.reason : this.#trouble,
      nextTryAt: waits ? secondsAt(nextTryMs) : 0,
      ...counts,
      quarantineUntil: this.#quarantine.times === 0 ? 0 : secondsAt(this.#quarantine.untilMs),
      quarantines: this.#quarantine.times,
    };
  }

  /** Why it is not as it should be, or empty. */
  get #trouble(): string {
    if (this.#connection !== null) return this.#connection.fault ?? "";
    return this.#failure?.reason ?? this.#parts.dials.reasonFor(this.url) ?? "";
  }

  async #open(signal: AbortSignal): Promise<OpenConversation> {
    const { limitsOf, callable, key, intake } = this.#parts;
    const limits = await limitsOf(this.url);
    const handshakeMs = this.#parts.handshakeMs();
    return await openConversation(this.url, {
      limits,
      key,
      signal,
      callable: callable(),
      isKnown: (id) => intake.isSeen(id),
      keepsEchoes: this.#streams.some(({ direction }) => direction !== "down"),
      onEnded: (failure) => this.#ended(failure),
      ...(handshakeMs !== null && { handshakeMs }),
    });
  }

  #connected(opened: OpenConversation): void {
    const { dials, intake, streams, nextNumber, log, healthMs } = this.#parts;
    // It may have ended before anybody asked for it.
    if (!opened.socket.isOpen) {
      dials.release(this.url);
      return this.#failed({ kind: "closed", reason: "the relay closed the connection at once" });
    }
    if (!dials.reach(this.url, opened.socket.address)) {
      void opened.close();
      dials.release(this.url);
      const reason =
        `there are ${dials.limits.perHostMax} connections to its address ${opened.socket.address} already`;
      return this.#waits({ kind: "closed", reason }, UPSTREAM_ADDRESS_WAIT_MS);
    }
    dials.opened(this.url);
    const connection = this.#connection = new UpstreamConnection({
      opened,
      counts: this.counts,
      intake,
      streams,
      number: nextNumber(),
      judged: (fault) => this.#judged(fault),
    });
    this.#isSteady = false;
    this.#failure = null;
    // Not all at the same moment.
    this.#nextHealthMs = performance.now() + healthMs() * (0.5 + Math.random() / 2);
    log.debug(`${this.url} is open`);
    this.#nextCountsMs = -Infinity;
    try {
      connection.use(this.#streams);
    } catch (error) {
      connection.giveUp(`its streams cannot begin: ${(error as Error).message}`);
    }
    this.#parts.changed(this);
  }

  #tend(connection: UpstreamConnection, nowMs: number): void {
    connection.tick();
    if (!this.#isSteady && nowMs - connection.openedMs >= UPSTREAM_STEADY_MS) {
      this.#isSteady = true;
      this.#circuit.steady();
    }
    if (nowMs >= this.#nextHealthMs) {
      this.#nextHealthMs = nowMs + this.#parts.healthMs();
      connection.checkHealth();
    }
    if (nowMs < this.#nextCountsMs) return;
    this.#nextCountsMs = nowMs + UPSTREAM_COUNTS_MS;
    this.#parts.changed(this);
  }

  #ended(failure: Failure): void {
    const connection = this.#connection;
    // An attempt that is not over hears of it itself.
    if (connection === null) return;
    this.#connection = null;
    connection.tick();
    connection.ended();
    this.#parts.dials.release(this.url);
    if (this.state === "off") return this.#parts.changed(this);
    this.#failed(failure);
  }

  #failed(failure: Failure): void {
    const pauseMs = this.#circuit.failed(failure.kind);
    this.#parts.log.debug(
      `${this.url} ended (${failure.kind}): ${failure.reason}; next in ${Math.round(pauseMs)} ms`,
    );
    this.#waits(failure, pauseMs);
  }

  #waits(failure: Failure, pauseMs: number): void {
    this.#failure = failure;
    this.#nextTryMs = performance.now() + pauseMs;
    this.#parts.changed(this);
  }

  #judged(fault: string | null): void {
    const nowMs = performance.now();
    if (fault === null) return this.#quarantine.valid(nowMs);
    if (!this.#quarantine.invalid(fault, nowMs)) return;
    this.#parts.log.warn(`${this.url} is in quarantine: ${this.#quarantine.reason}`);
    this.#nextTryMs = this.#quarantine.untilMs;
    this.#connection?.fail({ kind: "closed", reason: this.#quarantine.reason });
    this.#parts.changed(this);
  }

  async #disconnect(): Promise<void> {
    this.#attempt?.abort();
    this.#attempt = null;
    const connection = this.#connection;
    if (connection === null) this.#parts.dials.release(this.url);
    else await connection.close();
  }
}

/** A moment of `performance.now()` as seconds since 1970. */
function secondsAt(ms: number): number {
  return Math.ceil((Date.now() + ms - performance.now()) / 1000);
}

function unknownFailure(error: unknown): Failure {
  return { kind: "garbage", reason: error instanceof Error ? error.message : `${error}` };
}
