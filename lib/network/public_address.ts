/**
 * Which IP addresses are of the public Internet, by the registries of special-purpose addresses (RFC 6890 and its
 * successors at IANA). All others are refused, so that no client has the relay call its operator's own machines.
 * Runs on any thread; constants only.
 *
 * @module
 */
import { AddressSet } from "./address_set.ts";
import { readNetwork } from "./network.ts";

const SPECIAL = [
  // IPv4: this network, private, shared, loopback, link-local, protocols, documentation, relays, benchmarks, multicast.
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"],
  ...["192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
  // IPv6 within what is global: protocols and Teredo, documentation, 6to4, which embeds any IPv4 address.
  ...["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"],
];
const special = new AddressSet();
for (const network of SPECIAL) special.add(network);
/** Of IPv6, only this is global unicast: what maps or translates IPv4 is outside. */
const global6 = new AddressSet();
global6.add("2000::/3");

/** Whether an address is public. What is no address is not. */
export function isPublicAddress(address: string): boolean {
  const network = readNetwork(address);
  if (network === null || network.prefixBits !== network.bits) return false;
  return (network.bits === 32 || global6.has(address)) && !special.has(address);
}
