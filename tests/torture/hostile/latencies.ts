/**
 * Exact quantiles of what bystanders waited for. Runs in the process of whoever calls the trial; an instance is its own.
 *
 * @module
 */
import type { Sightings } from "./bystander_worker.ts";

/** Latencies gathered over some looks. */
export class Latencies {
  readonly #ms: number[] = [];
  #waitingMs: readonly number[] = [];

  /** Takes in what a bystander saw since the last look. */
  add({ latenciesMs, waitingMs }: Sightings): void {
    for (const ms of latenciesMs) this.#ms.push(ms);
    this.#waitingMs = waitingMs;
  }

  /** The longest that somebody waits now, ms. */
  get longestWaitMs(): number {
    return Math.max(0, ...this.#waitingMs);
  }

  /** Answers and waits so far. */
  get count(): number {
    return this.#ms.length + this.#waitingMs.length;
  }

  /** The least value that so great a share of all does not exceed (nearest rank), ms; who still waits counts so far. */
  quantile(share: number): number {
    const sorted = [...this.#ms, ...this.#waitingMs].sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  }

  /** The three that are reported. */
  get told(): Readonly<Record<"median" | "p99" | "longest", number>> {
    return { median: this.quantile(0.5), p99: this.quantile(0.99), longest: this.quantile(1) };
  }
}
