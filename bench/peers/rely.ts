/**
 * rely as a peer: the Go framework on the LMDB eventstore and libsecp256k1. Runs in the bench's own process.
 *
 * @module
 */
import { goPeer } from "./go_peer.ts";

export const rely = goPeer({
  name: "rely",
  module: "github.com/pippellia-btc/rely",
  note:
    "LMDB (eventstore 0.16.2), synced at each commit; signatures by libsecp256k1; queues larger than the defaults",
});
