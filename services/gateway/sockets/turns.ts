/**
 * Whose messages are answered next. A gateway answers messages as they come, as long as they are few. When those of one
 * turn of the event loop have taken their time together, the sockets whose messages come after them rest: they go on in
 * later turns in the order of what they have used lately, those first that have used least, and those alone as long as
 * they have more to ask. So whoever asks little does not wait for those who ask much, however many they are.
 * The gateway's thread owns it.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import {
  SOCKET_VISIT_MS_MAX,
  TURN_CHARS_OF_ROW,
  TURN_HALF_LIFE_MS,
  TURN_LEVELS,
  TURN_LIGHT_ROWS,
  TURN_MESSAGE_ROWS,
  TURN_MOST_USED_EVERY,
  TURN_MS_MAX,
  TURN_SOCKETS_MAX,
  TURNS_OF_LIGHT_MAX,
} from "../../../lib/limits.ts";
import type { LoopTurn } from "../../../runtime/loop_turn.ts";

/** A socket, as turns know it; they write the numbers, which begin with zero. */
export interface Guest {
  /** What it has used lately, in rows; it fades. */
  used: number;
  /** When that was, ms. */
  usedMs: number;
  /** How long its messages of its last turn took, ms. */
  visitMs: number;
  /** Which turn that was. */
  visitTurn: number;
  /** Whether it rests before a message that was read, and not behind one. */
  isHeldBack: boolean;
  /** Its rest is over. */
  rested(): void;
}

/** The level of those that use little. */
const LIGHT = 0;

/** The turns of one gateway; see the module's text. */
export class Turns {
  readonly #loop: LoopTurn;
  readonly #now: () => number;
  /** When the last message was answered, or a socket began to rest, ms: rows need no more exact a time. */
  #nowMs = 0;
  /** Those that rest, by what they have used, each level in the order in which they came. */
  readonly #levels: Guest[][] = Array.from({ length: TURN_LEVELS }, () => []);
  #resting = 0;
  /** Those of them that rest before a message. */
  #held = 0;
  #number = 1;
  /** What messages have taken in this turn, ms, and what those of whoever uses little, who has as much time alone. */
  #spentMs = 0;
  #lightMs = 0;
  /** Messages of these in this turn, turns in a row that were theirs alone, and turns that were everybody's. */
  #lightMessages = 0;
  #lightTurns = 0;
  #wholeTurns = 0;
  #isEnding = false;
  /** Whether it will be seen that this turn of the event loop is over. */
  #isWatched = false;

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
    return this.#held > 0;
  }

  /** Whether a message of a socket is answered in this turn; if not, the socket rests before it. */
  hasRoom(guest: Guest): boolean {
    if (!this.isPressed && this.#spentMs < TURN_MS_MAX) return true;
    return levelOf(guest) === LIGHT && this.#lightMs < TURN_MS_MAX;
  }

  /** Answers a message of a socket, of so many characters. Returns whether the socket is read on in this turn. */
  serve(guest: Guest, chars: number, answer: () => void): boolean {
    const fromMs = this.#now();
    answer();
    this.#nowMs = this.#now();
    const ms = this.#nowMs - fromMs;
    if (guest.visitTurn !== this.#number) {
      guest.visitTurn = this.#number;
      guest.visitMs = 0;
    }
    guest.visitMs += ms;
    this.#spentMs += ms;
    this.charge(guest, TURN_MESSAGE_ROWS + chars / TURN_CHARS_OF_ROW);
    if (levelOf(guest) === LIGHT) {
      this.#lightMs += ms;
      this.#lightMessages++;
    }
    if (this.#spentMs >= TURN_MS_MAX) {
      this.#end();
      return this.hasRoom(guest);
    }
    // Most turns are short: to hear of the end of each would cost more than to answer what came in it.
    if (this.#spentMs >= TURN_MS_MAX / 4 && !this.#isWatched) this.#watch();
    return !this.isPressed || guest.visitMs < SOCKET_VISIT_MS_MAX;
  }

  /** The relay has looked at so many rows for a socket. Reads no clock: most queries bring a few rows. */
  charge(guest: Guest, rows: number): void {
    if (guest.usedMs !== this.#nowMs) {
      guest.used *= 2 ** ((guest.usedMs - this.#nowMs) / TURN_HALF_LIFE_MS);
      guest.usedMs = this.#nowMs;
    }
    guest.used += rows;
  }

  /** What was spent belongs to a turn that is over. */
  #watch(): void {
    this.#isWatched = true;
    setImmediate(() => {
      this.#isWatched = false;
      if (!this.#isEnding) this.#spentMs = this.#lightMs = 0;
    });
  }

  /** Has a socket rest until others have had their turn; before a message that was read, or behind one. */
  rest(guest: Guest, isHeldBack: boolean): void {
    this.#nowMs = this.#now();
    this.charge(guest, 0);
    guest.isHeldBack = isHeldBack;
    if (isHeldBack) this.#held++;
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
    // Who uses little and has been answered may have sent more: it is read before anybody else is answered.
    const isLightTurn = this.#lightMessages > 0 && ++this.#lightTurns < TURNS_OF_LIGHT_MAX;
    this.#lightMessages = 0;
    let left = TURN_SOCKETS_MAX;
    if (!isLightTurn) {
      this.#lightTurns = 0;
      if (++this.#wholeTurns % TURN_MOST_USED_EVERY === 0) {
        const most = this.#levels.findLast((level) => level.length > 0)?.shift();
        if (most !== undefined) this.#goOn(most);
      }
    }
    for (const level of isLightTurn ? this.#levels.slice(LIGHT, LIGHT + 1) : this.#levels) {
      let at = 0;
      // Those that rest again have had their turn.
      for (const last = level.length; at < last && this.#spentMs < TURN_MS_MAX && left > 0; at++, left--) {
        this.#goOn(level[at]!);
      }
      level.splice(0, at);
    }
    if (this.#resting > 0) this.#end();
  }

  #goOn(guest: Guest): void {
    this.#resting--;
    if (guest.isHeldBack) this.#held--;
    guest.isHeldBack = false;
    guest.rested();
  }
}

/** Those of each level have used twice as much as those of the one before. */
function levelOf({ used }: Guest): number {
  return Math.min(TURN_LEVELS - 1, 32 - Math.clz32(used / TURN_LIGHT_ROWS));
}
