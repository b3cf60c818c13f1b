/**
 * How the configuration reaches every thread, and reaches it again when it was changed: one thread writes it into shared
 * memory, all others look whether its version has changed, at the price of one load.
 *
 * {@linkcode ConfigWriter} belongs to the thread that reads the settings, a {@linkcode ConfigFollower} to each other.
 *
 * DESIGN: a sequence lock with one writer. An odd version says that the text is being written; who reads copies the text
 * and takes it only if the version was even and is still the same.
 *
 * ```
 *   0 version u32 | 4 bytes of text u32 | 8 text: JSON of a Published, UTF-8
 * ```
 *
 * @module
 */
import { invariant } from "../invariant.ts";
import { CONFIG_BYTES_MAX } from "../limits.ts";
import type { Config } from "./settings.ts";

const HEADER_BYTES = 8;
/** The longest pause before a first look is repeated while the text is being written, ms. */
const WRITE_WAIT_MS = 1;

/** What is shared. */
interface Published {
  readonly config: Config;
  readonly policyVersions: readonly string[];
}

/** Makes the memory; pages that no text reaches cost nothing. */
export function createConfigMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + CONFIG_BYTES_MAX);
}

/** See the module's text. */
export class ConfigWriter {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, 2);
    this.#bytes = new Uint8Array(memory, HEADER_BYTES);
  }

  /**
   * Makes `config` the one that every follower finds at its next look.
   *
   * @param policyVersions A version of each of its `POLICY_FILES`, in their order.
   * @throws {RangeError} if it is longer than `CONFIG_BYTES_MAX`; then everything stays as it was.
   */
  publish(config: Config, policyVersions: readonly string[] = []): void {
    const text = new TextEncoder().encode(JSON.stringify({ config, policyVersions }));
    if (text.length > CONFIG_BYTES_MAX) {
      throw new RangeError(
        `Cannot use settings of ${text.length} bytes: at most ${CONFIG_BYTES_MAX} are allowed`,
      );
    }
    Atomics.add(this.#words, 0, 1);
    this.#bytes.set(text);
    Atomics.store(this.#words, 1, text.length);
    Atomics.add(this.#words, 0, 1);
  }
}

/** See the module's text. */
export class ConfigFollower {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  #version = 0;
  #config: Config | null = null;
  #policyVersions: readonly string[] = [];

  /** Follows what a {@linkcode ConfigWriter} has published before. Waits for a text that is being written. */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, 2);
    this.#bytes = new Uint8Array(memory, HEADER_BYTES);
    invariant(Atomics.load(this.#words, 0) > 0, "a configuration was published before anybody follows it");
    while (!this.refresh()) Atomics.wait(this.#words, 0, Atomics.load(this.#words, 0), WRITE_WAIT_MS);
  }

  /** The configuration as of the last {@linkcode ConfigFollower.refresh}; another object after each change. */
  get config(): Config {
    return this.#config!;
  }

  /** A version of each of its `POLICY_FILES`; another one says that the file has changed. */
  get policyVersions(): readonly string[] {
    return this.#policyVersions;
  }

  /** Takes in what has changed. Returns whether anything had. */
  refresh(): boolean {
    const version = Atomics.load(this.#words, 0);
    if (version === this.#version || (version & 1) === 1) return false;
    const text = this.#bytes.slice(0, Atomics.load(this.#words, 1));
    if (Atomics.load(this.#words, 0) !== version) return false;
    const { config, policyVersions } = JSON.parse(new TextDecoder().decode(text)) as Published;
    for (const value of Object.values(config)) Object.freeze(value);
    this.#config = Object.freeze(config);
    this.#policyVersions = policyVersions;
    this.#version = version;
    return true;
  }
}
