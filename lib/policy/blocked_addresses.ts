/**
 * Policy: clients from some addresses are not served. For events, requests and, with any subject, for connections.
 * Runs on the thread that built it; no state.
 *
 * @module
 */
import type { Policy } from "./policy.ts";
import type { ValueSet } from "../value_set.ts";

/** Which addresses. */
interface BlockedAddressesOptions {
  /** An `AddressSet`, so that networks count. */
  readonly blocked: ValueSet<string>;
}

/** Makes the policy. Cost: `walk`; a connection asks once, when it opens. */
export function blockedAddresses(options: BlockedAddressesOptions): Policy<unknown> {
  const { blocked } = options;
  return function notFromBlockedAddress(_subject, { ip }) {
    return ip !== null && blocked.has(ip) ? "blocked: your address is blocked here" : null;
  };
}
