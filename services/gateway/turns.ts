/**
 * Whose messages are answered next. A gateway answers messages as they come, as long as they are few. When those of one
 * turn of the event loop have taken their time together, the sockets whose messages come after them rest: in the next turns
 * they go on in the order of what their messages cost, the cheapest first, so that whoever asks little does not wait for
 * those who ask much, however many they are.
 * The gateway's thread owns it.
 *
 * @module
 */
import {
  OUTBOUND_CHECK_CHARS,
  SOCKET_VISIT_MS_MAX,
  TURN_DEAREST_EVERY,
  TURN_LEVELS,
  TURN_MS_MAX,
  TURNS_OF_LIGHT_MAX,
} from "../../lib/limits.ts";
import type { LoopTurn } from "../loop_turn.ts";

/** What the messages of the cheapest level take at most, ms. */
const USUAL_LEVEL_MS = 0.25;

/** A socket, as turns know it; they write the numbers, which begin with zero. */
export interface Guest {
  /** What its messages take, and each work that they lead to, ms: a mean in which the last counts a quarter. */
  usualMs: number;
  /** What it has taken in its last turn, ms. */
  visitMs: number;
  /** Which turn that was. */
  visitTurn: number;
  /** Bytes that it was sent and that have not left yet; asked as its rest begins. */
  readonly lagBytes: number;
  /** Its rest is over. */
  rested(): void;
}

/** The turns of one gateway; see the module's text. */
export class Turns {
  readonly #loop: LoopTurn;
  readonly #now: () => number;
  /** Those that rest, by what their messages cost, each level in the order in which they came. */
  readonly #levels: Guest[][] = Array.from({ length: TURN_LEVELS }, () => []);
  #resting = 0;
  #number = 1;
  /** What messages have taken in this turn, ms. */
  #spentMs = 0;
  /** What those of the cheapest level have taken of it: they have a turn's time for themselves. */
  #lightMs = 0;
  /** Messages of theirs in this turn, turns in a row that were theirs alone, and turns that were everybody's. */
  #lightMessages = 0;
  #lightTurns = 0;
  #wholeTurns = 0;
  #isEnding = false;

  /** @param now The thread's clock, ms. */
  constructor(loop: LoopTurn, now = () => performance.now()) {
    this.#loop = loop;
    this.#now = now;
  }

  /** A frame was given to a socket of Deno's own. */
  wrote(): void {
    this.#loop.wrote();
  }

  /** Sockets that are not read to the end, because others have their turn. */
  get resting(): number {
    return this.#resting;
  }

  /** Whether more is asked for than one turn answers. */
  get isPressed(): boolean {
    return this.#resting > 0;
  }

  /** Whether a message of a socket is answered in this turn; if not, the socket rests before it. */
  hasRoom(guest: Guest): boolean {
    return isLight(guest) ? this.#lightMs < TURN_MS_MAX : !this.isPressed && this.#spentMs < TURN_MS_MAX;
  }

  /** Answers a message of a socket. Returns whether the socket is read on in this turn. */
  serve(guest: Guest, answer: () => void): boolean {
    const fromMs = this.#now();
    answer();
    const ms = this.#now() - fromMs;
    if (guest.visitTurn !== this.#number) {
      guest.visitTurn = this.#number;
      guest.visitMs = 0;
    }
    guest.visitMs += ms;
    this.#weigh(guest, ms);
    this.#spentMs += ms;
    if (isLight(guest)) {
      this.#lightMs += ms;
      this.#lightMessages++;
    }
    if (this.#spentMs >= TURN_MS_MAX) {
      this.#end();
      return this.hasRoom(guest);
    }
    return !this.isPressed || guest.visitMs < SOCKET_VISIT_MS_MAX;
  }

  /** Does work that a socket's messages have led to. It decides what they cost, and takes none of the turn. */
  charge(guest: Guest, work: () => void): void {
    const fromMs = this.#now();
    work();
    this.#weigh(guest, this.#now() - fromMs);
  }

  #weigh(guest: Guest, ms: number): void {
    // Once in a while something takes long through no fault of its own: a collection of garbage, another thread.
    guest.usualMs += (Math.min(ms, 2 * guest.usualMs + USUAL_LEVEL_MS) - guest.usualMs) / 4;
  }

  /** Has a socket rest until others have had their turn. */
  rest(guest: Guest): void {
    this.#resting++;
    this.#levels[levelOf(guest)]!.push(guest);
    this.#end();
  }

  /** Ends this turn when what is due in it is done. */
  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#loop.next().then(() => this.#next());
  }

  #next(): void {
    this.#isEnding = false;
    this.#number++;
    this.#spentMs = this.#lightMs = 0;
    // Of a socket that goes on without a message at hand, the next one comes later in this turn.
    let expectedMs = 0;
    const hasRoom = () => this.#spentMs < TURN_MS_MAX && expectedMs < TURN_MS_MAX;
    const isLightTurn = this.#lightMessages > 0 && ++this.#lightTurns < TURNS_OF_LIGHT_MAX;
    if (!isLightTurn) this.#lightTurns = 0;
    this.#lightMessages = 0;
    const goOn = (guest: Guest) => {
      this.#resting--;
      expectedMs += guest.usualMs;
      guest.rested();
    };
    if (!isLightTurn && ++this.#wholeTurns % TURN_DEAREST_EVERY === 0) {
      const dearest = this.#levels.findLast((level) => level.length > 0)?.shift();
      if (dearest !== undefined) goOn(dearest);
    }
    // Who has been answered may have sent more that is as cheap: it is read before anything dear is answered.
    for (const level of isLightTurn ? this.#levels.slice(0, 1) : this.#levels) {
      let at = 0;
      // Those that rest again have had their turn.
      for (const last = level.length; at < last && hasRoom(); at++) goOn(level[at]!);
      level.splice(0, at);
    }
    if (this.#resting > 0) this.#end();
  }
}

function isLight({ usualMs }: Guest): boolean {
  return usualMs < USUAL_LEVEL_MS;
}

/**
 * Each level holds messages that cost twice as much as those of the one before. Who has not taken what it was sent can wait
 * for more: its level is that of messages which cost sixteen times as much.
 */
function levelOf({ usualMs, lagBytes }: Guest): number {
  const level = 32 - Math.clz32(usualMs / USUAL_LEVEL_MS);
  return Math.min(TURN_LEVELS - 1, lagBytes > OUTBOUND_CHECK_CHARS ? level + 4 : level);
}
