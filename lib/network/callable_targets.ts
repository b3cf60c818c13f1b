/**
 * Which hosts this relay may call when strangers name them: public addresses, and what the operator has allowed.
 * Belongs to the thread that made it.
 *
 * @module
 */
import { AddressSet } from "./address_set.ts";
import { isPublicAddress } from "./public_address.ts";

/** See the module's text. */
export class CallableTargets {
  readonly #names = new Set<string>();
  readonly #addresses = new AddressSet();

  /** @param allowed Host names, addresses and networks; what is no address is a name. */
  constructor(allowed: readonly string[]) {
    for (const entry of allowed) {
      if (!this.#addresses.add(entry)) this.#names.add(normalHost(entry));
    }
  }

  /** Whether `address`, to which `host` leads, may be called. */
  mayCall(host: string, address: string): boolean {
    return isPublicAddress(address) || this.#addresses.has(address) || this.#names.has(normalHost(host));
  }
}

function normalHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}
