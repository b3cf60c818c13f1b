/**
 * Another implementation of negentropy to compare with: rust-nostr's, built from `negentropy_oracle/` by
 * cargo, spoken to by lines of text. Runs on a test's thread; an oracle is a process that belongs to the test
 * that started it.
 *
 * @module
 */
import type { Item } from "../../lib/negentropy/storage.ts";
import { linesOf } from "../../lib/lines.ts";

/** What the oracle said to one message. */
interface OracleAnswer {
  /** The next message, or null: the initiating side is done. */
  readonly message: Uint8Array<ArrayBuffer> | null;
  readonly have: readonly string[];
  readonly need: readonly string[];
  /** Why it refused the message. */
  readonly error?: string;
}

/** Bytes of a line of the oracle's: a message without a bound on its frame, in hex. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;
const PACKAGE = new URL("./negentropy_oracle/", import.meta.url);
const TARGET = new URL("../../native/build/negentropy_oracle/", import.meta.url);

/**
 * Builds the oracle, if it is not built; the path of the program, or null where there is no cargo or no way
 * to its package.
 */
export async function buildOracle(): Promise<string | null> {
  try {
    const { success } = await new Deno.Command("cargo", {
      args: ["build", "--quiet", "--release", "--locked", "--target-dir", TARGET.pathname],
      cwd: PACKAGE,
      stdin: "null",
      stdout: "null",
    }).output();
    return success ? new URL("release/negentropy_oracle", TARGET).pathname : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** One party of a session, played by the oracle. `await using` ends it. */
export class Oracle implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: AsyncGenerator<string>;

  constructor(program: string) {
    this.#child = new Deno.Command(program, { stdin: "piped", stdout: "piped" }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = linesOf(this.#child.stdout, { bytesMax: LINE_BYTES_MAX });
  }

  /** Forgets everything and takes these items, which are without repeats. */
  async reset(items: readonly Item[], frameBytesMax: number): Promise<void> {
    const lines = items.map(({ timestamp, id }) => `item,${timestamp},${id.toHex()}\n`);
    await this.#write(`reset,${frameBytesMax}\n${lines.join("")}seal\n`);
  }

  /** The message that opens a session; from now on the oracle is its initiating side. */
  async initiate(): Promise<OracleAnswer> {
    await this.#write("initiate\n");
    return await this.#answer();
  }

  async receive(message: Uint8Array): Promise<OracleAnswer> {
    await this.#write(`msg,${message.toHex()}\n`);
    return await this.#answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#output.return(undefined);
    await this.#child.status;
  }

  async #write(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  async #answer(): Promise<OracleAnswer> {
    const have: string[] = [];
    const need: string[] = [];
    while (true) {
      const [word, value = ""] = (await this.#line()).split(",", 2) as [string, string?];
      if (word === "have") have.push(value);
      else if (word === "need") need.push(value);
      else if (word === "done") return { message: null, have, need };
      else if (word === "error") return { message: null, have, need, error: value };
      else return { message: Uint8Array.fromHex(value), have, need };
    }
  }

  async #line(): Promise<string> {
    const { done, value } = await this.#output.next();
    if (done) throw new Error("Cannot read oracle: it has ended");
    return value;
  }
}
