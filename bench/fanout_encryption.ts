/**
 * What an encrypted payload costs the fan-out: one signal of a bot, and each follower's frame made as the relay makes it.
 *
 *   deno task bench fanout_encryption [--followers 100_000] [--bytes 400] [--rounds 5]
 *
 * Prints one JSON line an encryption: the median over the rounds of frames a second of one core's time. Each follower has
 * a secret and a conversation of its own, which are at hand as they are for followers that are connected;
 * `conversationMicros` is what such a conversation costs once.
 * Runs in the bench's own process.
 *
 * @module
 */
import { createECDH, randomBytes } from "node:crypto";
import { cpuUsage } from "node:process";
import { type ConversationKey, conversationKey, openSecret } from "../lib/fanout/nip44.ts";
import { ENCRYPTIONS, type PayloadKeys, Signal } from "../lib/fanout/payload.ts";
import { randomPool } from "../lib/fanout/random_pool.ts";
import { readFlags } from "./flags.ts";
import { printResult } from "./output.ts";

/** Conversations that are really derived; the others' keys are random, which costs what follows the same. */
const DERIVED = 1_000;
const PUBKEY = "ab".repeat(32);

interface BenchFollower {
  readonly pubkey: string;
  readonly secret: Uint8Array;
  readonly conversation: ConversationKey;
}

/** What this process, of which one thread works, has used of a core. */
function cpuMicros(): number {
  const { user, system } = cpuUsage();
  return user + system;
}

function newFollower(): BenchFollower {
  const conversation = crypto.getRandomValues(new Int32Array(16));
  return { pubkey: randomBytes(32).toString("hex"), secret: new Uint8Array(randomBytes(32)), conversation };
}

/** Microseconds of one conversation's key. */
function conversationMicros(): number {
  const own = openSecret(randomBytes(32).toString("hex"));
  const pubkeys = Array.from({ length: DERIVED }, () => {
    const other = createECDH("secp256k1");
    other.generateKeys();
    return other.getPublicKey("hex", "compressed").slice(2);
  });
  const before = cpuMicros();
  for (const pubkey of pubkeys) conversationKey(own, pubkey);
  return (cpuMicros() - before) / DERIVED;
}

function newSignal(bytes: number): Signal {
  const content = "x".repeat(bytes);
  const event = { id: PUBKEY, pubkey: PUBKEY, created_at: 0, kind: 30_931, tags: [], content, sig: "" };
  return new Signal(1, event, content);
}

/** Frames a second of one core's time. */
function framesPerSecond(signal: Signal, followers: readonly BenchFollower[], keysOf: KeysOf): number {
  const random = randomPool((bytes) => crypto.getRandomValues(bytes));
  let chars = 0;
  const before = cpuMicros();
  for (const follower of followers) {
    chars += signal.frameFor(follower.pubkey, keysOf(follower), random).length;
  }
  const micros = cpuMicros() - before;
  if (chars < followers.length * 300) throw new Error("Cannot measure: a frame is empty");
  return followers.length / (micros / 1e6);
}

type KeysOf = (follower: BenchFollower) => PayloadKeys;

const KEYS_OF: Record<typeof ENCRYPTIONS[number], KeysOf> = {
  chacha20poly1305: ({ secret }) => ({ secret, conversation: null }),
  nip44: ({ conversation }) => ({ secret: null, conversation }),
};

/** Runs the bench; see the head of this file. */
export async function main(words: readonly string[]): Promise<void> {
  const flags = readFlags(words, { followers: 100_000, bytes: 400, rounds: 5 });
  const followers = Array.from({ length: flags.followers }, newFollower);
  const signal = newSignal(flags.bytes);
  for (const encryption of ENCRYPTIONS) {
    const rates = Array.from(
      { length: flags.rounds },
      () => framesPerSecond(signal, followers, KEYS_OF[encryption]),
    );
    const perSecond = Math.round(rates.toSorted((a, b) => a - b)[rates.length >> 1]!);
    const micros = Number((1e6 / perSecond).toFixed(2));
    const best = Math.round(Math.max(...rates));
    const once = encryption === "nip44" ? { conversationMicros: Math.round(conversationMicros()) } : {};
    await printResult({ bench: "fanout_encryption", encryption, ...flags, perSecond, best, micros, ...once });
  }
}
