/**
 * Events of one connection about which a plugin is being asked. Nobody else counts them: where there are too many, nothing
 * more is read until the plugin has decided about half of them.
 * Runs on an upstream worker; belongs to the connection.
 *
 * @module
 */
import { UPSTREAM_UNSETTLED_CHARS_MAX, UPSTREAM_UNSETTLED_MAX } from "../../lib/limits.ts";

/** See the module's text. */
export class AskedEvents {
  readonly #hold: (isFull: boolean) => void;
  #events = 0;
  #chars = 0;
  #isFull = false;

  /** @param hold Is told when there begin to be too many, and when there are few again. */
  constructor(hold: (isFull: boolean) => void) {
    this.#hold = hold;
  }

  /** Counts an event of so many characters until `decided` is settled. */
  async count(chars: number, decided: Promise<void>): Promise<void> {
    this.#add(1, chars);
    try {
      await decided;
    } finally {
      this.#add(-1, -chars);
    }
  }

  #add(events: number, chars: number): void {
    this.#events += events;
    this.#chars += chars;
    // Full at the bound, and until half of it is left.
    const part = this.#isFull ? 2 : 1;
    const isFull = part * this.#events >= UPSTREAM_UNSETTLED_MAX ||
      part * this.#chars >= UPSTREAM_UNSETTLED_CHARS_MAX;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#hold(isFull);
  }
}
