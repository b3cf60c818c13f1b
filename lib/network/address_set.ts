/**
 * A set of IP addresses and networks that says whether an address is in it, in one lookup per prefix length in use.
 * Belongs to the thread that made it.
 *
 * @module
 */
import { prefixOf, readNetwork } from "./network.ts";
import type { ValueSet } from "../value_set.ts";

/** See the module's text. Whatever is written in two ways is one entry. */
export class AddressSet implements ValueSet<string> {
  /** `bits * 256 + prefixBits` → the prefixes of that length. */
  readonly #prefixes = new Map<number, Set<bigint>>();

  /** Adds an address or a network. Returns false where the text is neither. */
  add(text: string): boolean {
    const network = readNetwork(text);
    if (network === null) return false;
    const length = network.bits * 256 + network.prefixBits;
    const values = this.#prefixes.get(length) ?? new Set();
    this.#prefixes.set(length, values.add(network.value));
    return true;
  }

  /** Takes an address or a network out. Addresses of a network that was added as one stay. */
  delete(text: string): boolean {
    const network = readNetwork(text);
    if (network === null) return false;
    const length = network.bits * 256 + network.prefixBits;
    const values = this.#prefixes.get(length);
    const found = values?.delete(network.value) ?? false;
    if (values?.size === 0) this.#prefixes.delete(length);
    return found;
  }

  /** Whether the address is in the set or in one of its networks. A text that is no address is in none. */
  has(address: string): boolean {
    if (this.#prefixes.size === 0) return false;
    const network = readNetwork(address);
    if (network === null) return false;
    for (const [length, values] of this.#prefixes) {
      if (length >>> 8 !== network.bits) continue;
      if (values.has(prefixOf(network.value, network.bits, length & 0xff))) return true;
    }
    return false;
  }
}
