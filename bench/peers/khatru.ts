/**
 * khatru as a peer: the Go framework with its LMDB eventstore and libsecp256k1. Runs in the bench's own process.
 *
 * @module
 */
import { goPeer } from "./go_peer.ts";

export const khatru = goPeer({
  name: "khatru",
  module: "github.com/fiatjaf/khatru",
  note: "LMDB (eventstore 0.16.2), synced at each commit; signatures by libsecp256k1",
});
