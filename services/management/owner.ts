/**
 * Management (NIP-86): the one who decides. Gateways pass requests on to it, and all threads follow its decisions.
 * Management's thread owns it, and the database of decisions, which nobody else writes.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { ManagementFollower, ManagementWriter } from "../../lib/management/change_log.ts";
import { reportedEvents } from "../../lib/management/reports.ts";
import { answerManagement, type ManagementReply } from "../../lib/management/rpc.ts";
import { slotOf, slotsOf } from "../../lib/metrics/layout.ts";
import { sumOf } from "../../lib/metrics/thread_metrics.ts";
import { storageFault } from "../../lib/sqlite/storage_fault.ts";
import type { MemberAnswer } from "../../lib/management/membership.ts";
import type { NostrEvent } from "../../lib/nostr/event.ts";
import type { RelayKey } from "../../lib/relay/relay_key.ts";
import { adminsOf } from "../../lib/relay/members.ts";
import { managementPath } from "../../runtime/data_paths.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { RelayMemory } from "../../wire/memory.ts";
import { Membership } from "./membership.ts";
import type { InviteAnswer } from "../../wire/management_requests.ts";

/** Methods without effect here: none. */
const DISABLED: ReadonlySet<string> = new Set();

/** What the owner is made of. */
interface ManagementParts {
  /** The settings that are in force. */
  readonly config: () => Config;
  readonly memory: RelayMemory;
  readonly log: Logger;
  /** The relay's own key, or null: it has none. */
  readonly key: RelayKey | null;
  /** Whether a predecessor in this process had the database open: others still follow its log. */
  readonly continues: boolean;
  /** Sends events of the relay's own, as texts. */
  readonly publish: (events: readonly string[]) => void;
}

/** See the module's text. */
export class ManagementOwner {
  readonly #writer: ManagementWriter;
  readonly #config: () => Config;
  /** The decisions in memory, to look up who reports. */
  readonly #decisions: ManagementFollower;
  readonly #memory: RelayMemory;
  readonly #log: Logger;
  /** Null: nobody can join. */
  readonly #membership: Membership | null;

  constructor({ config, memory, log, key, continues, publish }: ManagementParts) {
    const nowSeconds = () => Math.floor(Date.now() / 1000);
    const path = managementPath(config().DATA_DIR);
    try {
      this.#writer = new ManagementWriter(path, memory.managementVersion, { nowSeconds, continues });
    } catch (error) {
      const fault = storageFault(error);
      if (fault === null) throw error;
      const what = fault === "corrupt"
        ? "it is damaged; put the one of a backup in its place, or remove it and with it every decision"
        : (error as Error).message;
      throw new Error(`Cannot open decisions "${path}": ${what}`);
    }
    this.#decisions = new ManagementFollower(path, memory.managementVersion);
    this.#config = config;
    this.#memory = memory;
    this.#log = log;
    const view = () => {
      this.#decisions.refresh();
      return this.#decisions.view;
    };
    this.#membership = key === null || config().MEMBERSHIP === "off"
      ? null
      : new Membership({ config, writer: this.#writer, view, key, publish, log });
  }

  /** Answers a verified event of who wants to join or leave (NIP-43). */
  answerMember(text: string): MemberAnswer {
    return this.#membership?.answer(text) ?? { accepted: false, message: "restricted: nobody joins here" };
  }

  /** Makes an invite code for somebody who has proved these keys (NIP-43). */
  invite(keys: readonly string[]): InviteAnswer {
    return this.#membership?.invite(keys) ?? { refusal: "restricted: nobody joins here" };
  }

  /** Says who the members are, because nothing was said yet, or what was said may be lost. */
  tellMembers(): void {
    this.#membership?.tellAgain();
  }

  /** Answers the body of a request of somebody who may ask. What it changed is in force when this returns. */
  answer(body: string): ManagementReply {
    const stats = () => this.#stats();
    try {
      const reply = this.#writer.run((state) =>
        answerManagement(body, { state, admins: adminsOf(this.#config()), stats, disabled: DISABLED })
      );
      this.#membership?.changed();
      if (reply.method !== null) this.#log.info(`management: ${reply.method}`);
      return reply;
    } catch (error) {
      this.#log.error(`a management request failed: ${error}`);
      const fault = storageFault(error);
      const reason = fault === null ? "internal error" : `the disk is at fault (${fault}), try again later`;
      return { status: 200, body: JSON.stringify({ error: `Cannot answer: ${reason}` }), method: null };
    }
  }

  /** A report (NIP-56) was stored. Those of people whom the operator has named wait for a moderator. */
  reported(text: string): void {
    try {
      const event = JSON.parse(text) as NostrEvent;
      if (!this.#isNamed(event.pubkey)) return;
      const reported = reportedEvents(event);
      if (reported.length === 0) return;
      this.#writer.run((state) => reported.forEach(({ id, reason }) => state.report(id, reason)));
    } catch (error) {
      this.#log.error(`a report was not filed: ${(error as Error).message}`);
    }
  }

  close(): void {
    this.#membership?.close();
    this.#decisions.close();
    this.#writer.close();
  }

  /** Whether the settings or the operator's decisions name a key. */
  #isNamed(pubkey: string): boolean {
    this.#decisions.refresh();
    const { allowedPubkeys, members } = this.#decisions.view;
    return adminsOf(this.#config()).has(pubkey) || allowedPubkeys.has(pubkey) || members.has(pubkey);
  }

  #stats(): Record<string, number> {
    const sum = (slot: number) => sumOf(this.#memory.metrics, slot);
    const stored = Object.values(slotsOf("nostr_events_stored_total"));
    return {
      connections: sum(slotOf("nostr_connections_active")),
      subscriptions: sum(slotOf("nostr_subscriptions_active")),
      events_received: sum(slotOf("nostr_events_received_total")),
      events_stored: stored.reduce((total, slot) => total + sum(slot), 0),
      events_delivered: sum(slotOf("nostr_deliveries_total")),
    };
  }
}
