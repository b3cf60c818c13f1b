/**
 * Membership (NIP-43): answers who asks to join, to leave or for an invite code, and has the relay say who its members
 * are. The list follows the decisions, whoever made them: an invite, or the operator (NIP-86).
 * Management's thread owns it.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import type { ManagementWriter } from "../../lib/management/change_log.ts";
import { ManagementError } from "../../lib/management/management_state.ts";
import { inviteEvent, memberEvents, type MemberRoll } from "../../lib/management/member_events.ts";
import {
  answerMemberRequest,
  makeInvite,
  type MemberAnswer,
  type MembershipContext,
} from "../../lib/management/membership.ts";
import type { ManagementView } from "../../lib/management/view.ts";
import { MEMBERS_INTERVAL_MS } from "../../lib/limits.ts";
import type { NostrEvent } from "../../lib/nostr/event.ts";
import type { RelayKey } from "../../lib/relay/relay_key.ts";
import { adminsOf, membersOf, namedMembers } from "../../lib/relay/members.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { InviteAnswer } from "../../wire/management_requests.ts";

/** Bytes of an invite code; it is written in hex. */
const CODE_BYTES = 16;
const SECONDS_AN_HOUR = 3_600;
const FAILED = "error: the relay could not decide, try again later";

/** What membership works with. */
interface MembershipParts {
  /** The settings that are in force. */
  readonly config: () => Config;
  readonly writer: ManagementWriter;
  /** The decisions as they are now. */
  readonly view: () => ManagementView;
  readonly key: RelayKey;
  /** Sends events of the relay's own, as texts. */
  readonly publish: (events: readonly string[]) => void;
  readonly log: Logger;
}

/** See the module's text. */
export class Membership {
  readonly #parts: MembershipParts;
  #told: MemberRoll | null = null;
  #toldSeconds = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
  }

  /** Answers a verified event of who wants to join or leave. What it changed is in force when this returns. */
  answer(text: string): MemberAnswer {
    const { writer, log } = this.#parts;
    try {
      const event = JSON.parse(text) as NostrEvent;
      const answer = writer.run((state) => answerMemberRequest(event, { ...this.#context(), state }));
      log.debug(`kind ${event.kind} of ${event.pubkey}: ${answer.message}`);
      if (answer.accepted) this.changed();
      return answer;
    } catch (error) {
      log.error(`a member's request failed: ${error}`);
      return { accepted: false, message: FAILED };
    }
  }

  /** Makes an invite code for somebody who has proved these keys. */
  invite(keys: readonly string[]): InviteAnswer {
    const { config, writer, key, log } = this.#parts;
    const { INVITE_USES: uses, INVITE_HOURS: hours } = config();
    const newCode = () => crypto.getRandomValues(new Uint8Array(CODE_BYTES)).toHex();
    try {
      const terms = { newCode, uses, seconds: hours * SECONDS_AN_HOUR };
      const code = writer.run((state) => makeInvite(keys, { ...this.#context(), state }, terms));
      return { event: JSON.stringify(key.sign({ ...inviteEvent(code), createdAt: nowSeconds() })) };
    } catch (error) {
      if (error instanceof ManagementError) return { refusal: error.message };
      log.error(`an invite failed: ${error}`);
      return { refusal: FAILED };
    }
  }

  /** Something may have changed: says so to clients, at most once an interval. */
  changed(): void {
    this.#timer ??= setTimeout(() => this.#tell(), MEMBERS_INTERVAL_MS);
  }

  /** What was said last may be lost: says everything again. */
  tellAgain(): void {
    this.#told = null;
    this.changed();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    this.#timer = undefined;
    const { key, publish } = this.#parts;
    const roll = this.#roll();
    const events = memberEvents(key.pubkey, this.#told, roll);
    if (events.length === 0) return;
    const createdAt = Math.max(nowSeconds(), this.#toldSeconds + 1);
    publish(events.map((event) => JSON.stringify(key.sign({ ...event, createdAt }))));
    this.#told = roll;
    this.#toldSeconds = createdAt;
  }

  #roll(): MemberRoll {
    const view = this.#parts.view();
    const rolesOf = (pubkey: string) => [...view.rolesOf(pubkey)].sort();
    const keys = [
      ...namedMembers(this.#parts.config()),
      ...view.allowedPubkeys,
      ...view.roleHolders.keys(),
    ].filter((pubkey) => !view.bannedPubkeys.has(pubkey));
    return {
      members: new Map(keys.map((pubkey) => [pubkey, rolesOf(pubkey)])),
      roles: new Map(view.roles),
    };
  }

  #context(): Omit<MembershipContext, "state"> {
    const config = this.#parts.config();
    const view = this.#parts.view();
    const members = membersOf(config, view)!;
    const inviters = { admins: adminsOf(config), members, anybody: null }[config.INVITES_BY];
    return {
      nowSeconds: nowSeconds(),
      relayUrl: config.RELAY_URL!,
      members,
      named: namedMembers(config),
      rolesOf: (pubkey) => view.rolesOf(pubkey),
      inviters,
    };
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
