/**
 * What the HTTP pages ask of the relay. The gateway answers; tests answer in its place.
 * Runs on a gateway thread; types only.
 *
 * @module
 */
import type { Config } from "../../../lib/config/config.ts";
import type { Exposition } from "../../../lib/metrics/exposition.ts";
import type { RELAYER_SUMS } from "../../../lib/metrics/relayer_names.ts";
import type { RelayInformation } from "../../../lib/relay/relay_information.ts";
import type { ActorDoors } from "./actor_pages.ts";
import type { ManagementDoor } from "./management.ts";
import type { ProofDoor } from "./request_proof.ts";
import type { StorageFault } from "../../../lib/sqlite/storage_fault.ts";
import type { VerifyTier } from "../../../lib/verify/verifier.ts";
import type { Phase } from "../../../wire/relay_phase.ts";

/** The verification that serves. */
export interface VerifierStatus {
  readonly tier: VerifyTier;
  readonly description: string;
}

/** The search that serves. */
export interface SearchStatus {
  /** e.g. `opensearch 2.19.6 at http://127.0.0.1:9200`. */
  readonly backend: string;
  /** False while searches end in CLOSED. */
  readonly available: boolean;
  /** Changes in the log that the index lacks. */
  readonly lagEvents: number;
}

/** The store that serves. */
export interface StoreStatus {
  /** False while events are refused because of the disk. */
  readonly writable: boolean;
  /** What is wrong with the disk, or null. */
  readonly fault: StorageFault | null;
  /** Free bytes of the disk. */
  readonly freeBytes: number;
}

/** The relay, seen from a page. Every function is cheap, and counts are those of the whole relay. */
export interface RelayStatus {
  /** The document of NIP-11, as it is now. */
  information(): RelayInformation;
  /** Where the operator manages the relay (NIP-86). */
  readonly management: ManagementDoor;
  /** Whose requests are whose. */
  readonly proofs: ProofDoor;
  /** The actors that answer pages of their own. */
  readonly actors: ActorDoors;
  /** `RELAY_URL`, or null: then the page names the address that it was asked at. */
  readonly url: string | null;
  readonly durability: Config["DURABILITY"];
  /** Answers of `/metrics`. */
  readonly exposition: Exposition;
  /** A metric by the name of other relayers. */
  metric(this: void, name: keyof typeof RELAYER_SUMS): number;
  phase(): Phase;
  /** Events received and not yet answered. */
  queueLength(): number;
  subscriptions(): number;
  /** Subscriptions of each connection of this gateway, by connection id. */
  subscriptionsByConnection(): Iterable<readonly [string, number]>;
  /** Null while no verifier has reported. */
  verifier(): VerifierStatus | null;
  /** Null while the indexer has not reported. */
  search(): SearchStatus | null;
  store(): StoreStatus;
  uptimeSeconds(): number;
  /** Takes an error of a page, for the log. */
  failed(error: Error): void;
}
