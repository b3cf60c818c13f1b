/**
 * rust-nostr's LocalRelay (nostr-relay-builder) as a peer: the small program in `nostr_sdk/`, built with its exact
 * versions into `bench/peers/build/`. Runs in the bench's own process.
 *
 * @module
 */
import { capture, type Peer } from "./peer.ts";

const BUILD = new URL("./build/nostr-sdk/", import.meta.url).pathname;

export const nostrSdk: Peer = {
  name: "nostr-sdk",
  note: "LocalRelay on nostr-lmdb 0.44.0, synced at each commit; rate limits lifted",

  async version() {
    const source = new URL("./nostr_sdk/", import.meta.url);
    try {
      await capture("cargo", ["build", "--release", "--locked", "--quiet", "--target-dir", BUILD], source);
    } catch (cause) {
      throw new Error("Cannot build nostr-sdk's relay: cargo (Rust 1.90 or later) is needed", { cause });
    }
    const text = await Deno.readTextFile(new URL("Cargo.toml", source));
    return text.match(/nostr-relay-builder = "=([^"]+)"/)?.[1] ?? "unknown";
  },

  command: (port, dataDir) =>
    Promise.resolve({ program: `${BUILD}release/nostr-sdk-relay`, args: [String(port), dataDir] }),
};
