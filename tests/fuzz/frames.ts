/**
 * The differential fuzz of the frame reader (`native/frames/`): what it takes, JavaScript takes too, and packs into the
 * same bytes; what policies are told without a look at the event is what the event says; and what usual clients write
 * is taken.
 *
 *   deno task fuzz frames [--frames 5_000_000]     SEED=number repeats a run
 *
 * A million take about a minute of one core. Runs in the process of whoever calls it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { printProgress } from "../../bench/output.ts";
import { expiresAt, type NostrEvent } from "../../lib/nostr/event.ts";
import { createPackTarget } from "../../lib/nostr/packed_event.ts";
import { fromNobody } from "../../lib/policy/policy.ts";
import { EventIntake } from "../../lib/verify/event_intake.ts";
import { FrameBatch } from "../../lib/verify/frame_batch.ts";
import { hashMessages } from "../../lib/verify/hash_messages.ts";
import { openVerifier } from "../../lib/verify/open_verifier.ts";
import type { SignatureVerifier } from "../../lib/verify/verifier.ts";
import { prepareNative } from "../../scripts/native.ts";
import { Prng, seededPrng } from "../support/prng.ts";
import { type OddFrame, oddFrame } from "./odd_frames.ts";

const BATCH = 64;
const MEMORY_BYTES = 4 * 1024 * 1024;

/** What a run has seen. */
interface FramesReport {
  frames: number;
  /** Right by JavaScript. */
  right: number;
  /** Of these, taken by the reader. */
  taken: number;
}

/** JavaScript's way alone, for which every signature is right. */
const believer: SignatureVerifier = {
  tier: "wasm",
  description: "believes every signature",
  verify: (_items, count, verdicts) => void verdicts.fill(1, 0, count),
  hash: hashMessages,
  reader: null,
  counters: () => ({ verified: 0, secondDecisions: 0, secondDecisionsValid: 0, fastPathSkipped: 0 }),
  close() {},
};

/** Compares `count` frames. Throws where the two ways differ. */
export async function compareFrames(prng: Prng, count: number): Promise<FramesReport> {
  const { path } = await prepareNative();
  assert(path !== null, "the library is there");
  const { verifier } = await openVerifier({ tier: "native", libraryPath: path });
  const memory = new Uint8Array(new SharedArrayBuffer(MEMORY_BYTES));
  const batch = new FrameBatch(verifier.reader!);
  verifier.reader!.attach(7, memory);
  const oracle = new EventIntake(believer, () => null);
  oracle.attach(0, memory);
  const report: FramesReport = { frames: 0, right: 0, taken: 0 };
  try {
    while (report.frames < count) compareBatch(prng, memory, batch, oracle, report);
  } finally {
    verifier.close();
  }
  return report;
}

function compareBatch(
  prng: Prng,
  memory: Uint8Array,
  batch: FrameBatch,
  oracle: EventIntake,
  report: FramesReport,
): void {
  const frames: OddFrame[] = Array.from({ length: BATCH }, () => oddFrame(prng));
  batch.clear();
  oracle.clear();
  let at = 0;
  for (const { bytes } of frames) {
    memory.set(bytes, at);
    batch.add(7, at, bytes.length);
    oracle.add({ source: 0, start: at, end: at + bytes.length }, fromNobody(0));
    // Frames lie at any place, one against the other.
    at += bytes.length;
  }
  const items = batch.read();
  oracle.decide();
  let item = 0;
  for (const [n, { bytes, isUsual }] of frames.entries()) {
    try {
      if (compareFrame(n, batch, oracle, isUsual, report)) compareItem(batch, n, item++);
    } catch (error) {
      throw new Error(
        `Cannot agree on frame ${JSON.stringify(new TextDecoder().decode(bytes))} ${bytes.toHex()}`,
        {
          cause: error,
        },
      );
    }
  }
  assertEquals(items, item);
  report.frames += frames.length;
}

/** Compares one frame. Returns whether the reader took it. */
function compareFrame(
  n: number,
  batch: FrameBatch,
  oracle: EventIntake,
  isUsual: boolean,
  report: FramesReport,
): boolean {
  const entry = oracle.entries[n]!;
  const { facts } = entry;
  if (facts !== null) report.right++;
  if (batch.packedBytes(n) === 0) {
    assert(!isUsual, `the reader takes a usual frame (${entry.refusal?.message ?? "right"})`);
    return false;
  }
  report.taken++;
  assert(facts !== null, `what is taken is right: ${entry.refusal?.message}`);
  const target = createPackTarget(oracle.packedBytesMax(entry));
  const written = oracle.pack(entry, target, 0);
  assertEquals(batch.packed(n).toHex(), target.bytes.subarray(0, written).toHex());
  compareFindings(batch, n, facts.event);
  return true;
}

function compareFindings(batch: FrameBatch, n: number, event: NostrEvent): void {
  const seen = batch.view.at(n);
  const { id, pubkey, created_at, kind, tags, content, sig } = seen;
  assertEquals({ id, pubkey, created_at, kind, tags, content, sig }, {
    id: event.id,
    pubkey: event.pubkey,
    created_at: event.created_at,
    kind: event.kind,
    tags: event.tags,
    content: event.content,
    sig: event.sig,
  });
  assertEquals(seen.tagCount, event.tags.length);
  assertEquals(seen.contentCharacters, [...event.content].length);
  assertEquals(seen.expiresAt, expiresAt(event));
  assertEquals(seen.isProtected, event.tags.some((tag) => tag[0] === "-"));
  const hasDash = [6, 16].includes(event.kind) && /"(?:-|\\u002[dD])"/.test(event.content);
  assert(!hasDash || seen.mayEmbedProtected, "what may embed a protected event is said to");
}

function compareItem(batch: FrameBatch, n: number, item: number): void {
  const { id, pubkey, sig } = batch.view.at(n);
  assertEquals(batch.items.subarray(item * 128, item * 128 + 128).toHex(), id + pubkey + sig);
}

/**
 * Runs the fuzz.
 *
 * @throws {Error} when the ways differ.
 */
export async function fuzzFrames(frames: number): Promise<void> {
  const report = await compareFrames(seededPrng("frames against JavaScript"), frames);
  await printProgress(JSON.stringify(report));
}
