/**
 * Waits until a relay has done what it put off: search indexes, compactions. Queries are measured at rest, and the time
 * until then is a figure of its own, so that deferring work is neither punished nor hidden.
 * Runs in the bench's own process.
 *
 * @module
 */

/** The longest wait, ms. */
const REST_MS_MAX = 120_000;
/** A relay that used less of a core than this over `LOOK_MS` is at rest. */
const REST_SHARE = 0.05;
const LOOK_MS = 1_000;
/** Of Linux, for all architectures that Deno runs on. */
const TICKS_PER_SECOND = 100;

/** Returns how long it took until the process came to rest, ms. */
export async function untilAtRest(pid: number): Promise<number> {
  const began = performance.now();
  let before = cpuSeconds(pid);
  while (true) {
    const lookedMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const now = cpuSeconds(pid);
    const share = (now - before) / ((performance.now() - lookedMs) / 1_000);
    // The second that was looked at was one of rest already.
    if (share < REST_SHARE) return Math.round(lookedMs - began);
    if (performance.now() - began > REST_MS_MAX) return Math.round(performance.now() - began);
    before = now;
  }
}

/** Memory that a process has, KB. */
export function residentKilobytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1]);
}

/** CPU time that a process has used, in user and system mode. */
export function cpuSeconds(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
