/**
 * A peer that is a Go library: a small program in a folder beside this file, built with its exact versions into
 * `bench/peers/build/`. Runs in the bench's own process.
 *
 * @module
 */
import { capture, type Peer } from "./peer.ts";

const BUILD = new URL("./build/", import.meta.url);

/** What tells one Go peer from another. */
interface GoPeerOptions {
  readonly name: string;
  /** The module whose version in `go.mod` is the peer's. */
  readonly module: string;
  readonly note: string;
}

/** A peer whose program is in the folder of its name. */
export function goPeer({ name, module, note }: GoPeerOptions): Peer {
  const program = new URL(name, BUILD).pathname;
  return {
    name,
    note,
    async version() {
      const source = new URL(`./${name}/`, import.meta.url);
      await Deno.mkdir(BUILD, { recursive: true });
      try {
        // The tag has signatures verified by libsecp256k1 (needs a C compiler) rather than by Go code.
        await capture("go", ["build", "-tags", "libsecp256k1", "-o", program, "."], source);
      } catch (cause) {
        throw new Error(`Cannot build ${name}: go 1.24 and a C compiler are needed`, { cause });
      }
      const text = await Deno.readTextFile(new URL("go.mod", source));
      return text.match(new RegExp(`${module} v(\\S+)`))?.[1] ?? "unknown";
    },
    command: (port, dataDir) => Promise.resolve({ program, args: [String(port), dataDir] }),
  };
}
