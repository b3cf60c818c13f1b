/**
 * What all trials share: what they are given, and what they give back.
 * Runs in the process of `deno task torture`, or on a test's thread; holds no state.
 *
 * @module
 */
import type { Prng } from "../support/prng.ts";

/** One trial's share of a run. */
export interface TrialOptions {
  readonly prng: Prng;
  /** How long the trial may go on, ms; it ends with the round in which that is over. */
  readonly budgetMs: number;
  /** Rounds after which it ends earlier. What a round is, each trial says. */
  readonly rounds?: number;
  /** EVENT frames that end the trial of bad bytes, in place of the time. */
  readonly frames?: number;
  /** Events a second at most, where a trial paces its load. */
  readonly rate?: number;
  /** A folder that is there, for its data; what lies there from an earlier run is gone on with. */
  readonly folder: string;
  /** Tells how it goes. */
  readonly say: (line: string) => void;
}

/** What a trial found. */
export interface TrialResult {
  /** Sums over this run, for the report. */
  readonly figures: Record<string, number>;
  /** A sentence for each broken promise; none: all was held. */
  readonly failures: string[];
}

/** A trial. */
export type Trial = (options: TrialOptions) => Promise<TrialResult>;

/** Failures that a report lists; there may be thousands of one cause. */
const FAILURES_MAX = 40;

/** Counts and collects while a trial goes on. */
export class Findings implements TrialResult {
  readonly figures: Record<string, number> = {};
  readonly failures: string[] = [];

  /** Adds to a figure. */
  count(name: string, amount = 1): void {
    this.figures[name] = (this.figures[name] ?? 0) + amount;
  }

  /** Keeps the largest. */
  most(name: string, value: number): void {
    this.figures[name] = Math.max(this.figures[name] ?? -Infinity, value);
  }

  /** Takes broken promises in, with where they were found. */
  fail(where: string, sentences: readonly string[]): void {
    if (sentences.length === 0) return;
    this.count("broken promises", sentences.length);
    for (const sentence of sentences) {
      if (this.failures.length < FAILURES_MAX) this.failures.push(`${where}: ${sentence}`);
    }
  }
}

/** Whether another round fits: some rounds are left, and some time. */
export function roundsOf({ rounds = Infinity, budgetMs }: TrialOptions): () => boolean {
  const untilMs = performance.now() + budgetMs;
  let done = 0;
  return () => done++ < rounds && performance.now() < untilMs;
}

/** A number for a report: two digits behind the point. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
