/**
 * What a signature costs in every verification tier, through the same interface and FFI that the relay uses.
 *
 *   deno task bench verify [--rounds 15] [--items 2048]
 *
 * Prints one JSON line a tier: medians of verifications a second of one core's time at each batch size, and the median
 * of the ratios to libsecp256k1's public API, built with the same compiler and measured in the same round. Rounds take
 * the tiers in turn, so that a machine that slows down slows them all. `keys` says whether a tier had met the keys
 * before; there are as many keys as items. `callNanos` is what a call costs that verifies nothing.
 * Runs in the bench's own process.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { cpuUsage } from "node:process";
import { finalizeEvent } from "nostr-tools/pure";
import { openReference } from "../lib/verify/native_verifier.ts";
import { openVerifier } from "../lib/verify/open_verifier.ts";
import { ITEM_BYTES, type SignatureVerifier, VERIFY_TIERS } from "../lib/verify/verifier.ts";
import { prepareNative } from "../scripts/native.ts";
import { readFlags } from "./flags.ts";
import { printProgress, printResult } from "./output.ts";

const SIZES = [1, 8, 64, 512] as const;
/** Signatures that one measurement of a batch size verifies. */
const MEASURED = 512;
/** Empty calls that the overhead of a call is taken from. */
const EMPTY_CALLS = 200_000;

/** One tier as it is measured: opened anew each round, or kept. */
interface Candidate {
  readonly name: string;
  readonly keys: "new" | "known";
  readonly open: () => Promise<SignatureVerifier>;
  readonly kept: SignatureVerifier;
  /** Microseconds a signature, and the ratio to the reference, by round and batch size. */
  readonly micros: Map<number, number[]>;
  readonly ratios: Map<number, number[]>;
}

/** Items signed by as many keys: the worst case for a cache. */
function signItems(count: number): Uint8Array {
  const items = new Uint8Array(count * ITEM_BYTES);
  for (let i = 0; i < count; i++) {
    const secret = new Uint8Array(createHash("sha256").update(`bench key ${i}`).digest());
    const { id, pubkey, sig } = finalizeEvent({ kind: 1, created_at: i, tags: [], content: `${i}` }, secret);
    items.set(Uint8Array.fromHex(id + pubkey + sig), i * ITEM_BYTES);
  }
  return items;
}

/** Microseconds a signature for `MEASURED` items from `start`, in calls of `size`. */
function measure(verifier: SignatureVerifier, items: Uint8Array, start: number, size: number): number {
  const verdicts = new Uint8Array(size);
  const part = items.subarray(start * ITEM_BYTES, (start + MEASURED) * ITEM_BYTES);
  let valid = 0;
  const before = cpuMicros();
  for (let i = 0; i < MEASURED; i += size) {
    verifier.verify(part.subarray(i * ITEM_BYTES), size, verdicts);
    for (const verdict of verdicts) valid += verdict;
  }
  const micros = (cpuMicros() - before) / MEASURED;
  if (valid !== MEASURED) {
    throw new Error(`Cannot measure tier "${verifier.tier}": ${MEASURED - valid} of its verdicts are wrong`);
  }
  return micros;
}

/** What this process, of which one thread works, has used of a core: what else the machine does counts little. */
function cpuMicros(): number {
  const { user, system } = cpuUsage();
  return user + system;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** Nanoseconds of a call that verifies nothing: the border crossed, and the checks of sizes. */
function emptyCallNanos(verifier: SignatureVerifier): number {
  const nothing = new Uint8Array(0);
  const before = cpuMicros();
  for (let i = 0; i < EMPTY_CALLS; i++) verifier.verify(nothing, 0, nothing);
  return (cpuMicros() - before) * 1e3 / EMPTY_CALLS;
}

async function candidates(libraryPath: string | null): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const tier of VERIFY_TIERS) {
    const open = async () => (await openVerifier({ tier, libraryPath })).verifier;
    const kept = await open().catch((error: Error) => error.message);
    if (typeof kept === "string") {
      await printProgress(`Not measured: ${kept}`);
      continue;
    }
    const modes = tier === "system" || tier === "wasm" ? ["new"] as const : ["new", "known"] as const;
    for (const keys of modes) {
      found.push({ name: tier, keys, open, kept, micros: new Map(), ratios: new Map() });
    }
  }
  return found;
}

function report(candidate: Candidate): unknown {
  const sizes = Object.fromEntries(SIZES.map((size) => {
    const micros = median(candidate.micros.get(size) ?? []);
    return [size, {
      perSecond: Math.round(1e6 / micros),
      micros: Number(micros.toFixed(3)),
      ratio: Number(median(candidate.ratios.get(size) ?? []).toFixed(2)),
    }];
  }));
  const { name: tier, keys, kept } = candidate;
  const callNanos = Math.round(emptyCallNanos(kept));
  return { bench: "verify", tier, keys, description: kept.description, callNanos, sizes };
}

/** Runs the bench; see the head of this file. */
export async function main(words: readonly string[]): Promise<void> {
  const { rounds, items: wanted } = readFlags(words, { rounds: 15, items: 2_048 });
  const count = Math.max(MEASURED, Math.ceil(wanted / MEASURED) * MEASURED);
  const { path, line } = await prepareNative();
  await printProgress(line);
  const items = signItems(count);
  const reference = path === null ? null : openReference(path);
  const measured = await candidates(path);
  for (const { kept } of measured) measure(kept, items, 0, MEASURED);
  for (let round = 0; round < rounds; round++) {
    for (const [at, size] of SIZES.entries()) {
      const start = (round * SIZES.length + at) * MEASURED % count;
      const plain = reference ? measure(reference, items, start, size) : NaN;
      for (const candidate of measured) {
        const verifier = candidate.keys === "new" ? await candidate.open() : candidate.kept;
        // A verifier that was just opened has met no key; others' keys bring its memory in first.
        if (verifier !== candidate.kept) measure(verifier, items, (start + MEASURED) % count, size);
        const micros = measure(verifier, items, start, size);
        if (verifier !== candidate.kept) verifier.close();
        candidate.micros.set(size, [...candidate.micros.get(size) ?? [], micros]);
        candidate.ratios.set(size, [...candidate.ratios.get(size) ?? [], plain / micros]);
      }
    }
  }
  for (const candidate of measured) await printResult(report(candidate));
  reference?.close();
  for (const kept of new Set(measured.map((candidate) => candidate.kept))) kept.close();
}
