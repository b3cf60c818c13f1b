/**
 * What the pages show of the relay that serves them: the settings, what other actors reported when they were ready, and
 * the metrics of all threads.
 * Runs on a gateway thread; no state of its own.
 *
 * @module
 */
import type { ConfigFollower } from "../../../lib/config/shared_config.ts";
import type { ManagementView } from "../../../lib/management/view.ts";
import { createExposition } from "../../../lib/metrics/exposition.ts";
import { slotOf, slotsOf } from "../../../lib/metrics/layout.ts";
import { relayerSum } from "../../../lib/metrics/relayer_names.ts";
import { sumOf } from "../../../lib/metrics/thread_metrics.ts";
import { relayInformation } from "../../../lib/relay/relay_information.ts";
import { SOFTWARE } from "../../../lib/relay/software.ts";
import { STORAGE_FAULTS } from "../../../lib/sqlite/storage_fault.ts";
import type { VerifyTier } from "../../../lib/verify/verifier.ts";
import type { ActorStart } from "../../../runtime/actor.ts";
import type { Logger } from "../../../runtime/logger.ts";
import { phaseOf } from "../../../wire/relay_phase.ts";
import type { ActorDoors } from "./actor_pages.ts";
import type { ManagementDoor } from "./management.ts";
import type { ProofDoor } from "./request_proof.ts";
import type { RelayStatus } from "./relay_status.ts";

const SUBSCRIPTIONS = slotOf("nostr_subscriptions_active");
const QUEUE = slotOf("nostr_relay_queue_length");
const LAG = slotOf("nostr_indexer_lag_events");
const AVAILABLE = slotOf("nostr_search_available");
const FAULTS = slotsOf("nostr_store_fault");
const FREE = slotOf("nostr_data_dir_free_bytes");

/** What the status is taken from beside the start of the gateway. */
interface StatusSources {
  readonly settings: ConfigFollower;
  /** The operator's decisions. */
  readonly decisions: ManagementView;
  readonly management: ManagementDoor;
  readonly proofs: ProofDoor;
  readonly actors: ActorDoors;
  readonly subscriptionsByConnection: RelayStatus["subscriptionsByConnection"];
  readonly log: Logger;
}

/** The status of a running relay. */
export function relayStatus(
  { config, memory, facts }: ActorStart,
  { settings, decisions, management, proofs, actors, subscriptionsByConnection, log }: StatusSources,
): RelayStatus {
  const startedMs = Number(facts.startedMs);
  const sum = (slot: number) => sumOf(memory.metrics, slot);
  return {
    information: () =>
      relayInformation(settings.config, SOFTWARE, {
        changed: (name) => decisions.text(name),
        self: facts.self ?? null,
      }),
    management,
    proofs,
    actors,
    url: config.RELAY_URL,
    durability: config.DURABILITY,
    exposition: createExposition(memory.metrics, {
      version: SOFTWARE.version,
      tier: facts.tier ?? "",
      durability: config.DURABILITY,
    }),
    metric: (name) => relayerSum(memory.metrics, name),
    phase: () => phaseOf(memory.phase),
    queueLength: () => sum(QUEUE),
    subscriptions: () => sum(SUBSCRIPTIONS),
    subscriptionsByConnection,
    verifier: () => ({ tier: facts.tier as VerifyTier, description: facts.verification ?? "" }),
    search: () => ({ backend: facts.search ?? "", available: sum(AVAILABLE) > 0, lagEvents: sum(LAG) }),
    store: () => {
      const fault = STORAGE_FAULTS.find((name) => sum(FAULTS[name]) > 0) ?? null;
      return { writable: fault === null, fault, freeBytes: sum(FREE) };
    },
    uptimeSeconds: () => (Date.now() - startedMs) / 1000,
    failed: (error) => log.error(`a page failed: ${error}`),
  };
}
