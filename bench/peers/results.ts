/**
 * The file of a comparison: everything that was measured, and on what. Runs in the bench's own process.
 *
 * @module
 */
import { capture } from "./peer.ts";
import type { Effort } from "./steps.ts";
import type { Measurement } from "./summary.ts";

/** What a run was made on; a comparison of two files means nothing without it. */
interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  /** The type of the file system that holds the data directories. */
  readonly filesystem: string;
}

/** One comparison. */
export interface Results {
  /** ISO 8601. */
  readonly at: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly seed: number;
  readonly effort: Effort;
  readonly peers: readonly { readonly name: string; readonly version: string; readonly note: string }[];
  /** Peers that could not take part, and why. */
  readonly absent: readonly { readonly name: string; readonly why: string }[];
  readonly measurements: readonly Measurement[];
}

/** Looks at the machine. */
export async function describeMachine(dataRoot: string): Promise<Machine> {
  await Deno.mkdir(dataRoot, { recursive: true });
  const cpuinfo = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  return {
    cpu: cpuinfo.match(/model name\s*: (.*)/)?.[1] ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    memoryGb: Math.round(Deno.systemMemoryInfo().total / 1e9),
    kernel: Deno.osRelease(),
    filesystem: await capture("stat", ["-f", "-c", "%T", dataRoot]).catch(() => "unknown"),
  };
}
