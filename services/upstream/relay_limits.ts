/**
 * What upstream relays allow, by their documents (NIP-11), each of which is read once a day at most.
 * Runs on an upstream worker, which owns it.
 *
 * @module
 */
import { UPSTREAM_DOCUMENT_AGE_MS, UPSTREAM_RELAYS_BOUND } from "../../lib/limits.ts";
import { type Failure, RelayFailure } from "../../lib/upstream/failure.ts";
import { politeLimits, UNKNOWN_LIMITS } from "../../lib/upstream/polite_limits.ts";
import type { PoliteLimits } from "../../lib/upstream/relay_conversation.ts";

/** A document could not be read, and a connection would fail for the same reason. */
const FINAL: ReadonlySet<Failure["kind"]> = new Set(["dns", "refused", "private-address"]);

/** Limits that were read. */
interface Known {
  readonly limits: PoliteLimits;
  readonly untilMs: number;
}

/** See the module's text. */
export class RelayLimits {
  readonly #known = new Map<string, Known>();
  readonly #read: (url: string) => Promise<unknown>;

  /** @param read Reads a document; throws `RelayFailure` where there is none. */
  constructor(read: (url: string) => Promise<unknown>) {
    this.#read = read;
  }

  /**
   * What a relay allows; the defaults where it does not say.
   *
   * @throws {RelayFailure} if the relay cannot be reached.
   */
  async of(url: string): Promise<PoliteLimits> {
    const known = this.#known.get(url);
    if (known !== undefined && performance.now() < known.untilMs) return known.limits;
    const limits = await this.#ask(url);
    if (this.#known.size >= UPSTREAM_RELAYS_BOUND) this.#known.clear();
    this.#known.set(url, { limits, untilMs: performance.now() + UPSTREAM_DOCUMENT_AGE_MS });
    return limits;
  }

  async #ask(url: string): Promise<PoliteLimits> {
    try {
      return politeLimits(await this.#read(url));
    } catch (error) {
      if (!(error instanceof RelayFailure)) throw error;
      if (FINAL.has(error.failure.kind)) throw error;
      return UNKNOWN_LIMITS;
    }
  }
}
