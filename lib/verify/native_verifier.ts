/**
 * The tiers of the project's own library (`native/sluice.h`) by FFI: `lanes`, `batch` and `native`.
 * Runs on the thread that opened it, which owns the library's context; the tables behind it are read-only and
 * shared by all threads of the process.
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { FRAME_SOURCES_MAX } from "../limits.ts";
import { type NativeLibrary, openNativeLibrary } from "../native/library.ts";
import { checkFrames, checkItems, checkMessages } from "./batch_bounds.ts";
import type { FrameReader } from "./frame_reader.ts";
import type { SignatureVerifier, VerifyCounters, VerifyTier } from "./verifier.ts";

/** Numbers of the tiers in `native/sluice.h`. */
const TIER_NUMBERS = { native: 0, batch: 1, lanes: 2 } as const;
const REFERENCE_NUMBER = 3;
/** 64-bit words of `sluice_counters_t`. */
const COUNTER_WORDS = 8;
const DESCRIPTION_BYTES = 128;

const HOW: Record<NativeTier, string> = {
  lanes: "eight signatures at a time in AVX-512 IFMA",
  batch: "random linear combinations over libsecp256k1",
  native: "libsecp256k1, one signature at a time",
};

/** A tier of the library. */
type NativeTier = keyof typeof TIER_NUMBERS;

/** Whether `tier` is one that {@linkcode openNative} opens. */
export function isNativeTier(tier: VerifyTier): tier is NativeTier {
  return tier in TIER_NUMBERS;
}

/**
 * Opens `tier` of the library at `path`.
 *
 * @throws {Error} when the library cannot be loaded, speaks another ABI, or the processor cannot run the tier.
 */
export function openNative(tier: NativeTier, path: string): SignatureVerifier {
  return openNumber(tier, TIER_NUMBERS[tier], path);
}

/**
 * Opens libsecp256k1's public API alone, with no cache of keys, in the library at `path`: what benches and tests
 * compare the tiers with. It calls itself `native` and is never served.
 *
 * @throws {Error} when the library cannot be loaded or speaks another ABI.
 */
export function openReference(path: string): SignatureVerifier {
  return openNumber("native", REFERENCE_NUMBER, path);
}

function openNumber(tier: NativeTier, number: number, path: string): SignatureVerifier {
  const library = openNativeLibrary(path);
  const { symbols } = library;
  const fail = (why: string) => {
    library.close();
    return new Error(`Cannot open verification tier "${tier}": ${why}`);
  };
  if ((symbols.sluice_tiers() >> number & 1) === 0) {
    throw fail("this processor or build has not what it needs");
  }
  const context = symbols.sluice_open(number);
  if (context === null) throw fail("no memory for its context");

  const words = new BigUint64Array(COUNTER_WORDS);
  return {
    tier,
    description: `${tier} (${HOW[tier]}; ${describe(library)})`,
    verify(items, count, verdicts) {
      checkItems(items, count, verdicts);
      symbols.sluice_verify(
        context,
        items as Uint8Array<ArrayBuffer>,
        count,
        verdicts as Uint8Array<ArrayBuffer>,
      );
    },
    hash(bytes, offsets, count, digests) {
      checkMessages(bytes, offsets, count, digests);
      symbols.sluice_sha256(
        bytes as Uint8Array<ArrayBuffer>,
        offsets as Uint32Array<ArrayBuffer>,
        count,
        digests as Uint8Array<ArrayBuffer>,
      );
    },
    reader: frameReader(library, context),
    counters(): VerifyCounters {
      symbols.sluice_counters(context, words);
      return {
        verified: Number(words[0]),
        secondDecisions: Number(words[1]),
        secondDecisionsValid: Number(words[2]),
        fastPathSkipped: Number(words[3]),
      };
    },
    close() {
      symbols.sluice_close(context);
      library.close();
    },
  };
}

function frameReader(
  { symbols }: NativeLibrary,
  context: Deno.PointerValue,
): FrameReader {
  /** The library knows the memories by their addresses, so they have to stay. */
  const attached: Uint8Array[] = [];
  return {
    attach(source, bytes) {
      invariant(source >= 0 && source < FRAME_SOURCES_MAX, "a source has a number");
      attached[source] = bytes;
      symbols.sluice_attach(context, source, bytes as Uint8Array<ArrayBuffer>, bytes.length);
    },
    read(frames, count, packed, read, items) {
      checkFrames(frames, count, read, items);
      return symbols.sluice_read(
        context,
        frames as Uint32Array<ArrayBuffer>,
        count,
        packed as Uint8Array<ArrayBuffer>,
        packed.length,
        read as Uint32Array<ArrayBuffer>,
        items as Uint8Array<ArrayBuffer>,
      );
    },
  };
}

function describe(library: NativeLibrary): string {
  const text = new Uint8Array(DESCRIPTION_BYTES);
  library.symbols.sluice_describe(text, text.length);
  return new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
}
