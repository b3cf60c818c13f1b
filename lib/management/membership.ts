/**
 * Joining a relay by an invite code, leaving it, and making codes: what NIP-43 asks, from event to answer.
 * A member is a key that management has allowed: who joins is put on the list that `allowpubkey` keeps (NIP-86).
 * Runs on the thread that owns the {@linkcode ManagementState}; no state of its own.
 *
 * @module
 */
import { INVITES_MAX, INVITES_OPEN_MAX, MEMBER_REQUEST_SECONDS_MAX } from "../limits.ts";
import type { NostrEvent } from "../nostr/event.ts";
import { KIND_JOIN } from "../nostr/kinds.ts";
import type { ValueSet } from "../value_set.ts";
import { ManagementError, type ManagementState } from "./management_state.ts";

/** What membership works on. */
export interface MembershipContext {
  readonly state: ManagementState;
  readonly nowSeconds: number;
  /** The relay as its clients call it. */
  readonly relayUrl: string;
  /** Every member, whoever made them one. */
  readonly members: ValueSet<string>;
  /** The members that the settings name: they cannot leave by themselves. */
  readonly named: ValueSet<string>;
  /** The ids of a key's roles. */
  readonly rolesOf: (pubkey: string) => Iterable<string>;
  /** Who may make codes, or null: every key that was proved. */
  readonly inviters: ValueSet<string> | null;
}

/** How new codes are made. */
interface InviteTerms {
  /** Makes a code that nobody can guess. */
  readonly newCode: () => string;
  /** Keys that may join by it. */
  readonly uses: number;
  /** Seconds for which it is good. */
  readonly seconds: number;
}

/** An OK. */
export interface MemberAnswer {
  readonly accepted: boolean;
  readonly message: string;
}

/** Answers an event of kind 28934 or 28936 whose signature was verified. */
export function answerMemberRequest(event: NostrEvent, context: MembershipContext): MemberAnswer {
  if (Math.abs(event.created_at - context.nowSeconds) > MEMBER_REQUEST_SECONDS_MAX) {
    return refused("invalid: created_at is not now");
  }
  try {
    return event.kind === KIND_JOIN ? join(event, context) : leave(event, context);
  } catch (error) {
    if (!(error instanceof ManagementError)) throw error;
    return refused("restricted: this relay takes no more members.");
  }
}

function join(event: NostrEvent, context: MembershipContext): MemberAnswer {
  const { state, members, inviters, nowSeconds, relayUrl } = context;
  const { pubkey } = event;
  // To be allowed would take a ban back, which is the operator's alone.
  if (state.verdict("pubkey", pubkey) === "banned") return refused("restricted: you are banned here.");
  const code = event.tags.find(([name]) => name === "claim")?.[1];
  if (!code) return refused("restricted: an invite code is needed, in a claim tag.");
  if (members.has(pubkey)) return accepted("duplicate: you are already a member of this relay.");
  const invite = state.invites.find(code);
  if (invite === null || !mayInvite(state, inviters, invite.inviter)) {
    return refused("restricted: that is an invalid invite code.");
  }
  if (invite.expiresAt <= nowSeconds) return refused("restricted: that invite code is expired.");
  if (invite.usesLeft <= 0) return refused("restricted: that invite code has been used.");
  state.decide("pubkey", pubkey, "allowed", `invited by ${invite.inviter}`);
  state.invites.use(code);
  return accepted(`info: welcome to ${relayUrl}!`);
}

function leave(event: NostrEvent, context: MembershipContext): MemberAnswer {
  const { state, members, named, rolesOf } = context;
  const { pubkey } = event;
  if (!event.tags.some(([name]) => name === "-")) {
    return refused('invalid: a request to leave has a tag "-"');
  }
  if (!members.has(pubkey)) return accepted("duplicate: you are no member of this relay.");
  if (named.has(pubkey)) return refused("restricted: the relay's settings name you: ask its operator.");
  state.withdraw("pubkey", pubkey, "allowed");
  for (const role of [...rolesOf(pubkey)]) state.assign(pubkey, role, false);
  state.invites.withdraw(pubkey);
  return accepted("");
}

/** Makes a code for one of these proved keys. Throws {@linkcode ManagementError} with a message for a CLOSED. */
export function makeInvite(
  keys: readonly string[],
  { state, inviters, named, nowSeconds }: Pick<
    MembershipContext,
    "state" | "inviters" | "named" | "nowSeconds"
  >,
  { newCode, uses, seconds }: InviteTerms,
): string {
  if (keys.length === 0) throw new ManagementError("auth-required: prove a key to ask for an invite code");
  const inviter = keys.find((key) => mayInvite(state, inviters, key));
  if (inviter === undefined) throw new ManagementError("restricted: none of your keys may invite here");
  const { invites } = state;
  const open = invites.openOf(inviter, nowSeconds);
  if (open.length >= INVITES_OPEN_MAX) return open[0]!;
  invites.purge(nowSeconds);
  // Whoever the settings name gets a code even where others have used up the table.
  if (invites.count >= INVITES_MAX && !named.has(inviter)) {
    throw new ManagementError("rate-limited: too many invite codes are open, try again later");
  }
  const code = newCode();
  invites.put(code, { inviter, expiresAt: nowSeconds + seconds, usesLeft: uses });
  return code;
}

/** Who was banned, or has left, no longer invites, and neither do the codes made before. */
function mayInvite(state: ManagementState, inviters: ValueSet<string> | null, key: string): boolean {
  return state.verdict("pubkey", key) !== "banned" && (inviters === null || inviters.has(key));
}

function accepted(message: string): MemberAnswer {
  return { accepted: true, message };
}

function refused(message: string): MemberAnswer {
  return { accepted: false, message };
}
