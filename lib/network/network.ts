/**
 * IP addresses and networks as numbers: `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`.
 * Runs on any thread; no state.
 *
 * @module
 */
import { isIP } from "node:net";

/** The addresses whose first `prefixBits` are those of `value`. An address alone has all of its bits. */
interface Network {
  /** 32 for IPv4, 128 for IPv6. */
  readonly bits: 32 | 128;
  /** The address, with zeros after the prefix. */
  readonly value: bigint;
  readonly prefixBits: number;
}

/**
 * Reads an address or a network. An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is the IPv4 address: a listener on
 * both families reports its clients so.
 *
 * @returns null where the text is neither.
 */
export function readNetwork(text: string): Network | null {
  const match = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text);
  if (match === null) return null;
  const family = isIP(match[1]!);
  if (family === 0) return null;
  const value = family === 4 ? ipv4Value(match[1]!) : ipv6Value(match[1]!);
  const bits = family === 4 ? 32 : 128;
  const prefixBits = match[2] === undefined ? bits : Number(match[2]);
  if (prefixBits > bits) return null;
  if (bits === 128 && prefixBits >= 96 && value >> 32n === 0xffffn) {
    return network(32, value & 0xffff_ffffn, prefixBits - 96);
  }
  return network(bits, value, prefixBits);
}

function network(bits: 32 | 128, value: bigint, prefixBits: number): Network {
  return { bits, value: prefixOf(value, bits, prefixBits), prefixBits };
}

/** The value with zeros after its first `prefixBits`. */
export function prefixOf(value: bigint, bits: number, prefixBits: number): bigint {
  const rest = BigInt(bits - prefixBits);
  return (value >> rest) << rest;
}

function ipv4Value(text: string): bigint {
  return text.split(".").reduce((value, part) => value << 8n | BigInt(part), 0n);
}

function ipv6Value(text: string): bigint {
  // The last 32 bits may be written as an IPv4 address.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const low = ipv4Value(dotted[2]!);
    return ipv6Value(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const [head = "", tail] = text.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = new Array<string>(8 - first.length - last.length).fill("0");
  return [...first, ...zeros, ...last].reduce((value, group) => value << 16n | BigInt(`0x${group}`), 0n);
}

/** Whom an address counts as where clients are counted: an IPv6 address as its /64, all of which one customer has. */
export function customerOf(ip: string): string {
  // Reading IPv4 would say nothing new, and this runs for every event.
  if (!ip.includes(":")) return ip;
  const network = readNetwork(ip);
  if (network === null || network.bits === 32) return network === null ? ip : networkText(network);
  return String(network.value >> 64n);
}

/** One way to write a network: IPv6 in lower case and shortest (RFC 5952), an address alone without its length. */
export function networkText(network: Network): string {
  const { bits, value, prefixBits } = network;
  const address = bits === 32 ? ipv4Text(value) : ipv6Text(value);
  return prefixBits === bits ? address : `${address}/${prefixBits}`;
}

function ipv4Text(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => value >> shift & 0xffn).join(".");
}

function ipv6Text(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, n) => (value >> BigInt(112 - n * 16) & 0xffffn).toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** The run of zero groups that becomes `::`: the longest, and of equals the first (RFC 5952, 4.2). */
function longestZeros(groups: readonly string[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let n = 0; n < groups.length; n++) {
    if (groups[n] !== "0") start = n + 1;
    else if (n + 1 - start > best.length) best = { start, length: n + 1 - start };
  }
  return best;
}
