/**
 * The NIPs that this relay serves, each with the test that holds it to the claim.
 * NIP-11 advertises this list, as far as it is switched on, and nothing else. Runs on any thread; constants only.
 *
 * @module
 */
import type { Config } from "../config/config.ts";

/** One NIP that is served. */
interface Nip {
  readonly number: number;
  /** The title, as the NIP has it. */
  readonly title: string;
  /** The path of its test, from the root of the project. */
  readonly test: string;
}

/** The registry, by number. Client-side NIPs do not belong here (NIP-11). */
export const NIPS: readonly Nip[] = [
  nip(1, "Basic protocol flow description"),
  nip(9, "Event Deletion Request"),
  nip(11, "Relay Information Document"),
  nip(13, "Proof of Work"),
  nip(17, "Private Direct Messages"),
  nip(40, "Expiration Timestamp"),
  nip(42, "Authentication of clients to relays"),
  nip(43, "Relay Access Metadata and Requests"),
  nip(45, "Event Counts"),
  nip(50, "Search Capability"),
  nip(59, "Gift Wrap"),
  nip(62, "Request to Vanish"),
  nip(65, "Relay List Metadata"),
  nip(67, "EOSE Completeness Hint"),
  nip(70, "Protected Events"),
  nip(77, "Negentropy Syncing"),
  nip(86, "Relay Management API"),
  nip(98, "HTTP Auth"),
];

/** What a relay with this configuration serves of the registry. */
export function servedNips(config: Pick<Config, "MEMBERSHIP">): readonly Nip[] {
  return config.MEMBERSHIP === "off" ? NIPS.filter(({ number }) => number !== 43) : NIPS;
}

function nip(number: number, title: string): Nip {
  return { number, title, test: `tests/protocol/nip${twoDigits(number)}_test.ts` };
}

/** The number as NIPs are named: `01`, `42`. */
export function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
