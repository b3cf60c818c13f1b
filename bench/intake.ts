/**
 * What a verifier's work on a frame costs, without threads and lanes around it: parse, id, signature, packing.
 *
 *   deno task bench intake [--rounds 9] [--events 20000] [--seed 1]
 *
 * Prints one JSON line a way and batch size: medians of microseconds of CPU time an event. `frames` reads them in the
 * native library, `texts` in JavaScript, as every tier can; signatures are verified by the fastest tier in both, and
 * not at all in `frames alone` and `texts alone`. Ways take turns, so that a machine that slows down slows them all.
 * Runs in the bench's own process.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { createPackTarget, type PackTarget } from "../lib/nostr/packed_event.ts";
import { contentPolicy, senderPolicy } from "../lib/relay/configured_policies.ts";
import { ManagementView } from "../lib/management/view.ts";
import { readConfig } from "../lib/config/config.ts";
import type { PolicyContext } from "../lib/policy/policy.ts";
import { EventIntake, type FramePlace } from "../lib/verify/event_intake.ts";
import { openVerifier } from "../lib/verify/open_verifier.ts";
import type { SignatureVerifier } from "../lib/verify/verifier.ts";
import { prepareNative } from "../scripts/native.ts";
import { corpus } from "./corpus.ts";
import { readFlags } from "./flags.ts";
import { printProgress, printResult } from "./output.ts";

const SIZES = [1, 16, 64, 512] as const;

/** Frames as they lie in a lane: shared memory. */
interface Frames {
  readonly bytes: Uint8Array;
  readonly places: FramePlace[];
}

interface Way {
  readonly name: string;
  readonly intake: EventIntake;
  readonly micros: Map<number, number[]>;
}

async function readFrames(file: string): Promise<Frames> {
  const lines = (await Deno.readTextFile(file)).trimEnd().split("\n");
  const texts = lines.map((line) =>
    new TextEncoder().encode(line.startsWith("[") ? line : `["EVENT",${line}]`)
  );
  const bytes = new Uint8Array(new SharedArrayBuffer(texts.reduce((sum, text) => sum + text.length, 0)));
  const places: FramePlace[] = [];
  let at = 0;
  for (const text of texts) {
    bytes.set(text, at);
    places.push({ source: 0, start: at, end: at + text.length });
    at += text.length;
  }
  return { bytes, places };
}

/** Microseconds an event of CPU time for all frames, in batches of `size`, packed into `target` as into a lane. */
function measure(intake: EventIntake, { places }: Frames, size: number, target: PackTarget): number {
  const context: PolicyContext = {
    nowSeconds: Math.floor(Date.now() / 1000),
    authenticated: new Set(),
    ip: null,
    connection: 1,
  };
  const before = cpuMicros();
  for (let first = 0; first < places.length; first += size) {
    intake.clear();
    const end = Math.min(first + size, places.length);
    for (let n = first; n < end; n++) intake.add(places[n]!, context);
    intake.decide();
    for (const entry of intake.entries) {
      if (entry.refusal !== null) {
        throw new Error(`Cannot measure: an event is refused, "${entry.refusal.message}"`);
      }
      intake.pack(entry, target, 0);
    }
  }
  return (cpuMicros() - before) / places.length;
}

function cpuMicros(): number {
  const { user, system } = cpuUsage();
  return user + system;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** The ways to compare. They share the verifier. */
function waysOf(verifier: SignatureVerifier, memory: Uint8Array): Way[] {
  const config = readConfig({});
  const content = contentPolicy(config, new ManagementView());
  const sender = senderPolicy(config);
  const believe = {
    verify: (_: Uint8Array, count: number, verdicts: Uint8Array) => void verdicts.fill(1, 0, count),
  };
  const verifiers: [string, SignatureVerifier][] = [
    ["texts", { ...verifier, reader: null }],
    ["texts alone", { ...verifier, ...believe, reader: null }],
  ];
  if (verifier.reader) verifiers.push(["frames", verifier], ["frames alone", { ...verifier, ...believe }]);
  return verifiers.map(([name, verifier]) => {
    const intake = new EventIntake(
      verifier,
      (event, context) => content(event, context) ?? sender(event, context),
    );
    intake.attach(0, memory);
    return { name, intake, micros: new Map() };
  });
}

/** Runs the bench; see the head of this file. */
export async function main(words: readonly string[]): Promise<void> {
  const { rounds, events, seed } = readFlags(words, { rounds: 9, events: 20_000, seed: 1 });
  const { path, line } = await prepareNative();
  await printProgress(line);
  const frames = await readFrames(await corpus(events, seed));
  const { verifier } = await openVerifier({ tier: "auto", libraryPath: path });
  const ways = waysOf(verifier, frames.bytes);
  const target = createPackTarget(4 * 1024 * 1024);
  for (const { intake } of ways) measure(intake, frames, 64, target);
  for (let round = 0; round < rounds; round++) {
    for (const size of SIZES) {
      for (const { intake, micros } of ways) {
        // One event a call is slow: a part of them will do.
        const some = size === 1 ? { ...frames, places: frames.places.slice(0, 2_000) } : frames;
        micros.set(size, [...micros.get(size) ?? [], measure(intake, some, size, target)]);
      }
    }
  }
  const bytes = Math.round(frames.bytes.length / frames.places.length);
  for (const { name, micros } of ways) {
    const sizes = Object.fromEntries(
      SIZES.map((size) => [size, Number(median(micros.get(size)!).toFixed(2))]),
    );
    await printResult({
      bench: "intake",
      way: name,
      events: frames.places.length,
      frame_bytes: bytes,
      sizes,
    });
  }
  verifier.close();
}
