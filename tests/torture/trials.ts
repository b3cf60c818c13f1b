/**
 * The trials of `deno task torture`, by name. Each is loaded when it is its turn: some ask the environment at once.
 * Runs in the process of `deno task torture`; constants only.
 *
 * @module
 */
import type { Trial } from "./trial.ts";

/** Every trial. */
export const TRIALS: Record<string, () => Promise<Trial>> = {
  crash: async () => (await import("./crash.ts")).crashTrial,
  "crash-opensearch": async () => (await import("./crash.ts")).crashTrialWithOpenSearch,
  bytes: async () => (await import("./bytes.ts")).bytesTrial,
  power: async () => (await import("./power.ts")).powerTrial,
  threads: async () => (await import("./threads.ts")).threadsTrial,
  clients: async () => (await import("./clients.ts")).clientsTrial,
  overload: async () => (await import("./overload.ts")).overloadTrial,
  hostile: async () => (await import("./hostile.ts")).hostileTrial,
  soak: async () => (await import("./soak.ts")).soakTrial,
};
