/**
 * Whether one relay is called, and when next: short pauses with full jitter after its first failures, and after more of
 * them an open circuit, which lets one trial through at the end of a long pause. How many failures open it, and how long
 * it stays open, depends on the kind of the last failure: a name that does not exist deserves more patience than a
 * connection that was cut.
 * Pure: the caller passes the clock and the randomness in. Belongs to the thread that calls the relay.
 *
 * ```
 *            failures < of its kind           failures of its kind reached
 *   closed ──────────────────────▶ waits ────────────────────────────────▶ open
 *     ▲                              │ pause over: dial                      │ pause over: one trial dial
 *     ╰───────── steady ─────────────╯                                       ▼
 *     ╰──────────────────────────── steady ───────────────────────────── half-open ── failure: open, twice as long
 * ```
 *
 * A connection counts as a success only when it has been steady: a relay that accepts and closes again fails each time.
 *
 * @module
 */
import { UPSTREAM_PATIENCE, UPSTREAM_RETRY_FIRST_MS, UPSTREAM_RETRY_MOST_MS } from "../limits.ts";
import { fullJitterMs, longestPauseMs } from "./backoff.ts";
import type { Failure } from "./failure.ts";

/** Where a circuit is. */
type CircuitState = "closed" | "open" | "half-open";

const RETRIES = { firstMs: UPSTREAM_RETRY_FIRST_MS, mostMs: UPSTREAM_RETRY_MOST_MS };

/** See the module's text. */
export class Circuit {
  readonly #random: () => number;
  /** Failures since it was steady last. */
  #failures = 0;
  /** Times that it has opened since then. */
  #openings = 0;
  #state: CircuitState = "closed";

  /** @param random Of 0 to 1, 1 excluded. */
  constructor(random: () => number) {
    this.#random = random;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** Failures since the relay was steady last. */
  get failures(): number {
    return this.#failures;
  }

  /** The pause is over, and the relay is called. */
  dials(): void {
    if (this.#state === "open") this.#state = "half-open";
  }

  /** The connection has been steady. */
  steady(): void {
    this.#failures = 0;
    this.#openings = 0;
    this.#state = "closed";
  }

  /**
   * A call failed, or its connection ended.
   *
   * @returns the pause before the next one, ms.
   */
  failed(kind: Failure["kind"]): number {
    this.#failures++;
    const { failures, firstMs, mostMs } = UPSTREAM_PATIENCE[kind];
    if (this.#state === "closed" && this.#failures < failures) {
      return fullJitterMs(this.#failures, RETRIES, this.#random());
    }
    this.#state = "open";
    this.#openings++;
    const pauseMs = longestPauseMs(this.#openings, { firstMs, mostMs });
    // Half of it for certain: a circuit that may close at once protects nobody.
    return pauseMs / 2 + this.#random() * pauseMs / 2;
  }
}
