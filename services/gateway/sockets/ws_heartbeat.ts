/**
 * Looks at each socket in turn, so that clients that have vanished without a word are found: every beat of a socket is
 * a third of the time that it may be silent, and the sockets' beats are spread over the seconds between.
 * The gateway's thread owns it.
 *
 * @module
 */

/** Whoever is looked at. */
interface Beating {
  beat(): void;
  /** Where this module keeps it. */
  beatSlot: number;
}

/** Beats within the time of silence: one finds the silence, the next asks for a sign, the third ends it. */
const BEATS = 3;

/** See the module's text. `tick` is to be called once a second. */
export class SocketHeartbeat {
  readonly #slots: Set<Beating>[];
  #now = 0;

  constructor(idleSeconds: number) {
    const count = Math.max(1, Math.floor(idleSeconds / BEATS));
    this.#slots = Array.from({ length: count }, () => new Set());
  }

  add(beating: Beating): void {
    beating.beatSlot = this.#now;
    this.#slots[this.#now]!.add(beating);
  }

  delete(beating: Beating): void {
    this.#slots[beating.beatSlot]!.delete(beating);
  }

  /** A second has passed. */
  tick(): void {
    this.#now = (this.#now + 1) % this.#slots.length;
    for (const beating of this.#slots[this.#now]!) beating.beat();
  }
}
