/**
 * Turns a gateway: does what has come by lanes, the log and notices, gives the sockets a turn after every round of work,
 * and sleeps on the gateway's doorbell when there is none.
 * Runs on the gateway's thread, which owns it.
 *
 * @module
 */
import {
  GOODBYE_MS_MAX,
  HELD_INTERVAL_MS,
  PAUSED_QUERIES_INTERVAL_MS,
  WAIT_MS_MAX,
} from "../../lib/limits.ts";
import type { Doorbell } from "../../lib/queue/doorbell.ts";
import { Heartbeat } from "../../lib/queue/heartbeat.ts";
import { type ActorNotice, type ActorStart, report } from "../../runtime/actor.ts";
import type { LoopTurn } from "../../runtime/loop_turn.ts";
import type { AssembledGateway } from "./assemble.ts";
import type { Listener } from "./sockets/listener.ts";
import type { Turns } from "./sockets/turns.ts";

/** How long nothing must be there to answer or to read before a gateway that drains says that it has, ms. */
const DRAIN_QUIET_MS = 20;
/** Turns of its loop in which nothing must be there either. */
const DRAIN_QUIET_TURNS = 4;
/** How often a gateway that stops looks whether its clients have gone, ms. */
const GOODBYE_LOOK_MS = 5;

/** What main says while the gateway runs, and its loop takes up. */
export type LoopNotice = Extract<ActorNotice, { type: "drain" | "restarted" }>;

/** What a loop turns. */
interface GatewayLoopParts {
  readonly parts: AssembledGateway;
  readonly listener: Listener;
  readonly loop: LoopTurn;
  readonly turns: Turns;
  /** Filled by whoever hears main; the loop empties it. */
  readonly notices: LoopNotice[];
}

/** See the module's text. */
export class GatewayLoop {
  readonly #parts: AssembledGateway;
  readonly #listener: Listener;
  readonly #loop: LoopTurn;
  readonly #turns: Turns;
  readonly #notices: LoopNotice[];
  readonly #bell: Doorbell;
  readonly #heart: Heartbeat;
  #isDraining = false;
  #drained = false;
  /** When there was something to answer or to read, the last time that it was looked at while draining. */
  #busyMs = 0;
  /** Turns since then. */
  #quietTurns = 0;

  constructor(
    { heartbeat }: ActorStart,
    { parts, listener, loop, turns, notices }: GatewayLoopParts,
  ) {
    this.#parts = parts;
    this.#listener = listener;
    this.#loop = loop;
    this.#turns = turns;
    this.#notices = notices;
    this.#bell = parts.origin.bell;
    this.#heart = new Heartbeat(heartbeat);
  }

  /** Turns until main asks it to stop. */
  async run(): Promise<void> {
    const { gateway, events, requests, link, feed, gate } = this.#parts;
    while (!this.#bell.stopRequested) {
      const seen = this.#bell.rings;
      this.#heart.beat();
      gateway.follow();
      const work = events.drain() + link.drain() +
        feed.drain(requests.hasSubscriptions, this.#listener.messagesPerTurn);
      this.#bell.crashIfAsked();
      if (requests.queries.pausedCount > 0) requests.queries.resumePaused();
      if (events.isHolding) gateway.resumeSenders();
      gateway.measureWaiting(performance.now());
      this.#applyNotices();
      if (work > 0) await this.#loop.next();
      else await Promise.race([this.#bell.waitAsync(seen, this.#waitMs), this.#loop.begun()]);
    }
    gateway.closeAll();
    await gate.closePlugin();
    // The thread's end would cut off what the sockets have not taken yet; a client that reads nothing is not waited for.
    const untilMs = performance.now() + GOODBYE_MS_MAX;
    while (gateway.hasConnections && performance.now() < untilMs) {
      await new Promise<void>((resolve) => setTimeout(resolve, GOODBYE_LOOK_MS));
    }
  }

  /** How long the loop may sleep: what is paused is looked at again, though nothing rings. */
  get #waitMs(): number {
    if (this.#isDraining && !this.#drained) return DRAIN_QUIET_MS / DRAIN_QUIET_TURNS;
    if (this.#parts.requests.queries.pausedCount > 0) return PAUSED_QUERIES_INTERVAL_MS;
    return this.#parts.events.isHolding ? HELD_INTERVAL_MS : WAIT_MS_MAX;
  }

  #applyNotices(): void {
    for (const notice of this.#notices.splice(0)) {
      if (notice.type === "restarted") {
        if (notice.actor === "reader") this.#parts.link.readerRestarted(notice.index);
      } else {
        this.#isDraining = true;
        this.#busyMs = performance.now();
        this.#parts.gateway.drain();
        this.#listener.stopAccepting();
      }
    }
    if (this.#isDraining && !this.#drained && this.#isQuiet()) {
      this.#drained = true;
      report({ type: "drained" });
    }
  }

  /** Whether everything that came is answered, and nothing lies in a socket that rests or was just read on. */
  #isQuiet(): boolean {
    const nowMs = performance.now();
    this.#quietTurns++;
    if (this.#parts.events.isAnswering || this.#turns.resting > 0) {
      this.#busyMs = nowMs;
      this.#quietTurns = 0;
    }
    // A thread that got no core for a while has not looked at its sockets.
    return nowMs - this.#busyMs >= DRAIN_QUIET_MS && this.#quietTurns >= DRAIN_QUIET_TURNS;
  }
}
