/**
 * A text file that is read again when it changes. It is looked at by whoever owns it, about once a second, rather than
 * watched: editors and deployment tools replace it in too many ways. It is read when it was the same at two looks, so that
 * a half-written one is not taken for what was meant.
 * Belongs to the thread that looks.
 *
 * @module
 */
import { fileVersion } from "./settings_file.ts";

/** What a look has found. */
type FileLook =
  /** Nothing new. */
  | null
  | { readonly text: string }
  /** It cannot be read; the message says why. */
  | { readonly fault: string };

/** See the module's text. */
export class WatchedFile {
  readonly path: string;
  readonly #bytesMax: number;
  #readVersion: string | null = null;
  #seenVersion: string | null = null;
  #isLooking = false;

  /** @param bytesMax A longer file is a fault. */
  constructor(path: string, bytesMax: number) {
    this.path = path;
    this.#bytesMax = bytesMax;
  }

  /** The text if it is new; the first look reads at once. */
  async look(): Promise<FileLook> {
    if (this.#isLooking) return null;
    this.#isLooking = true;
    try {
      const version = await fileVersion(this.path);
      const isQuiet = version === this.#seenVersion || this.#seenVersion === null;
      this.#seenVersion = version;
      if (!isQuiet || version === this.#readVersion) return null;
      this.#readVersion = version;
      return await this.#read();
    } finally {
      this.#isLooking = false;
    }
  }

  async #read(): Promise<FileLook> {
    try {
      const { size } = await Deno.stat(this.path);
      if (size > this.#bytesMax) {
        return { fault: `Cannot read file "${this.path}": it has more than ${this.#bytesMax} bytes` };
      }
      return { text: await Deno.readTextFile(this.path) };
    } catch (error) {
      return { fault: `Cannot read file "${this.path}": ${(error as Error).message}` };
    }
  }
}
