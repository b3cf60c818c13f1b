/**
 * Chooses the tier that verifies signatures, and says which were passed over and why.
 * Runs on the thread that will verify; the caller owns the verifier.
 *
 * @module
 */
import { isNativeTier, openNative } from "./native_verifier.ts";
import { openSystem } from "./system_verifier.ts";
import { type SignatureVerifier, VERIFY_TIERS, type VerifyTier } from "./verifier.ts";
import { openWasm } from "./wasm_verifier.ts";

/** What {@linkcode openVerifier} is asked for. */
interface VerifierChoice {
  /** A tier to serve, or none other; `auto` takes the fastest that opens. */
  readonly tier: "auto" | VerifyTier;
  /** The library that `scripts/native.ts` built, or null when there is none. */
  readonly libraryPath: string | null;
}

/** The verifier that serves, and the faster tiers that could not. */
interface OpenedVerifier {
  readonly verifier: SignatureVerifier;
  readonly skipped: { readonly tier: VerifyTier; readonly reason: string }[];
}

/**
 * Opens the tier that was asked for, or with `auto` the fastest that opens.
 *
 * @throws {Error} when a tier that was named cannot open: a named tier is never replaced by another.
 *
 * @example Usage
 * ```ts
 * import { openVerifier } from "./open_verifier.ts";
 *
 * const { verifier, skipped } = await openVerifier({ tier: "auto", libraryPath: null });
 * console.log(verifier.description, skipped);
 * verifier.close();
 * ```
 */
export async function openVerifier(choice: VerifierChoice): Promise<OpenedVerifier> {
  if (choice.tier !== "auto") {
    return { verifier: await openTier(choice.tier, choice.libraryPath), skipped: [] };
  }
  const skipped: OpenedVerifier["skipped"] = [];
  for (const tier of VERIFY_TIERS) {
    try {
      return { verifier: await openTier(tier, choice.libraryPath), skipped };
    } catch (error) {
      skipped.push({ tier, reason: (error as Error).message });
    }
  }
  const reasons = skipped.map(({ tier, reason }) => `${tier}: ${reason}`).join("; ");
  throw new Error(`Cannot open any verification tier: ${reasons}`);
}

async function openTier(tier: VerifyTier, libraryPath: string | null): Promise<SignatureVerifier> {
  if (!isNativeTier(tier)) return tier === "system" ? openSystem() : await openWasm();
  if (libraryPath === null) throw new Error(`Cannot open verification tier "${tier}": no library was built`);
  return openNative(tier, libraryPath);
}
