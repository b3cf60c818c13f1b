/**
 * The peers, in the order of reports, and finding them by name. Runs in the bench's own process.
 *
 * @module
 */
import { khatru } from "./khatru.ts";
import { nostrRsRelay } from "./nostr_rs_relay.ts";
import { nostrSdk } from "./nostr_sdk.ts";
import type { Peer } from "./peer.ts";
import { rely } from "./rely.ts";
import { sluice, sluiceWs } from "./sluice.ts";
import { strfry } from "./strfry.ts";

/** All peers that the bench knows. */
export const PEERS: readonly Peer[] = [sluice, sluiceWs, strfry, khatru, rely, nostrRsRelay, nostrSdk];

/** The peer of a name. */
export function peerNamed(name: string): Peer {
  const peer = PEERS.find((peer) => peer.name === name);
  if (peer === undefined) {
    throw new Error(`Cannot use peer "${name}": known are ${PEERS.map(({ name }) => name).join(", ")}`);
  }
  return peer;
}
