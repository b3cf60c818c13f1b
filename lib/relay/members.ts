/**
 * Who may write, and perhaps read, where not everybody may: keys that the operator has set, keys that management has
 * allowed, and keys with a role. Who has joined by an invite (NIP-43) is one that management has allowed.
 * Runs on the thread that asks; no state of its own: the decisions change while what is made here is in use.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import { KIND_INVITE } from "../nostr/kinds.ts";
import type { RequestPolicy } from "../policy/policy.ts";
import type { ValueSet } from "../value_set.ts";

/** What of the operator's decisions makes a member. */
export interface MemberDecisions {
  readonly allowedPubkeys: ValueSet<string>;
  /** Who has a role. */
  readonly members: ValueSet<string>;
}

type MemberSettings = Pick<Config, "RELAY_PUBKEY" | "RELAY_ADMINS" | "ALLOWED_PUBKEYS" | "MEMBERSHIP">;

/** The keys that may manage: the operator's own, and those of `RELAY_ADMINS`. */
export function adminsOf(config: Pick<Config, "RELAY_PUBKEY" | "RELAY_ADMINS">): ReadonlySet<string> {
  const operator = config.RELAY_PUBKEY === null ? [] : [config.RELAY_PUBKEY];
  return new Set([...operator, ...config.RELAY_ADMINS ?? []]);
}

/** The members that the settings name; where keys can join, the admins are among them. */
export function namedMembers(config: MemberSettings): ReadonlySet<string> {
  const admins = config.MEMBERSHIP === "off" ? [] : adminsOf(config);
  return new Set([...admins, ...config.ALLOWED_PUBKEYS ?? []]);
}

/** All members, or null: nobody has to be one. */
export function membersOf(config: MemberSettings, decisions: MemberDecisions): ValueSet<string> | null {
  if (config.MEMBERSHIP === "off" && config.ALLOWED_PUBKEYS === null) return null;
  const named = namedMembers(config);
  const { allowedPubkeys, members } = decisions;
  return { has: (key) => named.has(key) || allowedPubkeys.has(key) || members.has(key) };
}

/** Makes a policy that leaves requests for an invite code alone: who asks for one is no member yet, perhaps. */
export function exceptInvites(policy: RequestPolicy): RequestPolicy {
  return function unlessInvite(filters, context) {
    // Without filters nothing is asked for: then it is about reading at all.
    const isInvite = filters.length > 0 &&
      filters.every(({ kinds }) => kinds?.length === 1 && kinds[0] === KIND_INVITE);
    return isInvite ? null : policy(filters, context);
  };
}
