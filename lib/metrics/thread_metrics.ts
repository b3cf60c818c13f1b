/**
 * Counters in shared memory: every thread writes its own block and nobody else's; whoever is asked sums all of them.
 *
 * Why plain Float64 cells, without atomics: a cell has one writer, so no addition can be lost. A reader on another
 * thread only needs whole values, and may see one that is a moment old. The language does not promise that a Float64
 * in shared memory is never read half-written; the processors that Deno is built for (x86-64 and AArch64) do, because
 * an aligned load or store of 8 bytes is one access there and V8 compiles it to one. A double counts whole numbers
 * exactly up to 2^53. Atomics know no fractions, so that seconds would need a unit, and each one is a full fence.
 *
 * Main makes the memory and hands it to the workers; a block belongs to the thread whose number it has.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { BLOCK_CELLS, GAUGE_SLOTS, type HistogramSlots, type Slot } from "./layout.ts";

/** The memory of all threads' metrics; structured-clonable to workers. */
export interface MetricsMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Makes the memory for `threads` threads, numbered from 0. */
export function createMetricsMemory(threads: number): MetricsMemory {
  invariant(Number.isInteger(threads) && threads > 0, "metrics have at least one thread");
  const bytes = threads * BLOCK_CELLS * Float64Array.BYTES_PER_ELEMENT;
  return { buffer: new SharedArrayBuffer(bytes) };
}

/** The cells of one thread. */
export function blockOf(memory: MetricsMemory, thread: number): Float64Array<SharedArrayBuffer> {
  const start = thread * BLOCK_CELLS * Float64Array.BYTES_PER_ELEMENT;
  invariant(thread >= 0 && start < memory.buffer.byteLength, "the thread has a block of metrics");
  return new Float64Array(memory.buffer, start, BLOCK_CELLS);
}

/** The number of threads that `memory` was made for. */
export function threadsOf(memory: MetricsMemory): number {
  return memory.buffer.byteLength / (BLOCK_CELLS * Float64Array.BYTES_PER_ELEMENT);
}

/**
 * The writer of one thread. Only one may exist for a thread number at a time.
 *
 * @example Counting and measuring
 * ```ts
 * import { histogramOf, slotsOf } from "./layout.ts";
 * import { createMetricsMemory, ThreadMetrics } from "./thread_metrics.ts";
 *
 * const oks = slotsOf("nostr_oks_total");
 * const ingest = histogramOf("nostr_ingest_seconds");
 * const metrics = new ThreadMetrics(createMetricsMemory(1), 0);
 * metrics.add(oks.accepted, 1);
 * metrics.observe(ingest, 0.0012);
 * ```
 */
export class ThreadMetrics {
  readonly #cells: Float64Array<SharedArrayBuffer>;

  /** Takes over the block of `thread`. Counters go on; gauges start at 0, as what they counted died with the thread. */
  constructor(memory: MetricsMemory, thread: number) {
    this.#cells = blockOf(memory, thread);
    for (const slot of GAUGE_SLOTS) this.#cells[slot] = 0;
  }

  /** Adds `amount` to a counter, or moves a gauge by it. */
  add(slot: Slot, amount: number): void {
    this.#cells[slot]! += amount;
  }

  /** Sets this thread's share of a gauge, or a counter that is counted elsewhere. */
  set(slot: Slot, value: number): void {
    this.#cells[slot] = value;
  }

  /** Counts one observation. Below zero (a clock that stepped back) and NaN count as 0. */
  observe({ start, bounds }: HistogramSlots, value: number): void {
    const observed = value > 0 ? value : 0;
    const buckets = bounds.length;
    let bucket = 0;
    while (bucket < buckets && observed > bounds[bucket]!) bucket++;
    this.#cells[start + bucket]! += 1;
    this.#cells[start + buckets + 1]! += observed;
  }
}

/** One block that holds the sum of all threads' blocks, as they were in this moment, give or take a write. */
export function sumMetrics(memory: MetricsMemory): Float64Array<ArrayBuffer> {
  const sum = new Float64Array(BLOCK_CELLS);
  for (let thread = 0; thread < threadsOf(memory); thread++) {
    const block = blockOf(memory, thread);
    for (let cell = 0; cell < BLOCK_CELLS; cell++) sum[cell]! += block[cell]!;
  }
  return sum;
}

/** The sum of one cell over all threads. */
export function sumOf(memory: MetricsMemory, slot: Slot): number {
  const cells = new Float64Array(memory.buffer);
  let sum = 0;
  for (let at: number = slot; at < cells.length; at += BLOCK_CELLS) sum += cells[at]!;
  return sum;
}
