/**
 * What a client says, apart from EVENT: parsed, or refused with the exact answer (NIP-01, NIP-42, NIP-45, NIP-77).
 * Runs on any thread; no state.
 *
 * @module
 */
import { isLongerThan } from "./characters.ts";
import { type NostrEvent, shapeFault } from "./event.ts";
import { type Filter, FilterError, type FilterLimits, parseFilter } from "./filter.ts";
import { NEGENTROPY_VERBS, type NegentropyMessage, parseNegentropyMessage } from "./negentropy_messages.ts";
import { hasDeepFields, TOO_DEEP } from "./nesting.ts";
import { closedText, noticeText, okText } from "./relay_message.ts";

/** A message that is understood. */
export type ClientMessage =
  | { readonly type: "REQ"; readonly subscriptionId: string; readonly filters: readonly Filter[] }
  | { readonly type: "COUNT"; readonly subscriptionId: string; readonly filters: readonly Filter[] }
  | { readonly type: "CLOSE"; readonly subscriptionId: string }
  | NegentropyMessage
  /** The shape of the event is right; nothing else was looked at. */
  | { readonly type: "AUTH"; readonly event: NostrEvent }
  /** An EVENT that was written with white space before the verb. */
  | { readonly type: "EVENT" }
  /** Not understood; `answer` is what to send. `ended`: the subscription that a CLOSED to a REQ ends, if it is open. */
  | {
    readonly type: "refused";
    readonly verb: string;
    readonly answer: string;
    readonly ended: string | null;
  };

/** Bounds on messages, from the configuration. */
export interface MessageLimits extends FilterLimits {
  /** Filters of one REQ or COUNT. */
  readonly filtersMax: number;
  /** NIP-11 `max_subid_length`. */
  readonly subscriptionIdCharsMax: number;
  /** Events that one negentropy session may select. */
  readonly negentropyEventsMax: number;
}

const TOO_DEEP_EVENT = TOO_DEEP.slice("invalid: ".length);
/** Characters of a subscription id that is too long which a CLOSED still repeats, so that the client knows which. */
const ODD_ID_CHARS_MAX = 512;

/** Parses one text frame. Never throws. */
export function parseClientMessage(text: string, limits: MessageLimits): ClientMessage {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return refused("other", noticeText("invalid: the message is not JSON"));
  }
  if (!Array.isArray(message) || typeof message[0] !== "string") {
    return refused("other", noticeText("invalid: a message is an array that begins with its verb"));
  }
  const verb = message[0];
  if (verb === "EVENT") return { type: "EVENT" };
  if (verb === "AUTH") return parseProof(message[1]);
  const sync = NEGENTROPY_VERBS.find((known) => known === verb);
  if (sync !== undefined) return parseSync(sync, message.slice(1), limits);
  if (verb !== "REQ" && verb !== "COUNT" && verb !== "CLOSE") {
    return refused("other", noticeText(`unsupported: verb "${verb.slice(0, 32)}" is unknown here`));
  }
  const id: unknown = message[1];
  const fault = subscriptionIdFault(id, limits);
  if (fault !== null) return refused(verb, fault);
  const subscriptionId = id as string;
  if (verb === "CLOSE") return { type: "CLOSE", subscriptionId };
  return parseQuery(verb, subscriptionId, message.slice(2), limits);
}

/** NIP-77 has its own name space of ids, and its own answer to what is wrong. */
function parseSync(
  verb: typeof NEGENTROPY_VERBS[number],
  [id, ...given]: readonly unknown[],
  limits: MessageLimits,
): ClientMessage {
  if (typeof id !== "string" || id.length === 0 || isLongerThan(id, limits.subscriptionIdCharsMax)) {
    const most = limits.subscriptionIdCharsMax;
    return refused(verb, noticeText(`invalid: a ${verb} needs a subscription id of 1 to ${most} characters`));
  }
  return parseNegentropyMessage(verb, id, given, limits.negentropyEventsMax);
}

function parseProof(event: unknown): ClientMessage {
  const fault = shapeFault(event) ?? (hasDeepFields(event as NostrEvent) ? TOO_DEEP_EVENT : null);
  if (fault === null) return { type: "AUTH", event: event as NostrEvent };
  const id = (event as { id?: unknown } | null | undefined)?.id;
  const isAnswerable = typeof id === "string" && id.length <= ODD_ID_CHARS_MAX;
  const reason = `invalid: ${fault}`;
  return refused("AUTH", isAnswerable ? okText(id, false, reason) : noticeText(reason));
}

function parseQuery(
  verb: "REQ" | "COUNT",
  subscriptionId: string,
  given: readonly unknown[],
  limits: MessageLimits,
): ClientMessage {
  const ended = verb === "REQ" ? subscriptionId : null;
  const refuse = (reason: string) => refused(verb, closedText(subscriptionId, reason), ended);
  if (given.length === 0) return refuse(`invalid: a ${verb} needs at least one filter`);
  if (given.length > limits.filtersMax) {
    return refuse(`invalid: a ${verb} holds more than ${limits.filtersMax} filters`);
  }
  try {
    return { type: verb, subscriptionId, filters: given.map((filter) => parseFilter(filter, limits)) };
  } catch (error) {
    if (error instanceof FilterError) return refuse(error.message);
    throw error;
  }
}

function subscriptionIdFault(id: unknown, limits: MessageLimits): string | null {
  if (typeof id !== "string") return noticeText("invalid: the subscription id is not a string");
  const most = limits.subscriptionIdCharsMax;
  if (id.length > 0 && !isLongerThan(id, most)) return null;
  const reason = id.length === 0
    ? "invalid: the subscription id is empty"
    : `invalid: the subscription id is longer than ${most} characters`;
  return id.length <= ODD_ID_CHARS_MAX ? closedText(id, reason) : noticeText(reason);
}

function refused(verb: string, answer: string, ended: string | null = null): ClientMessage {
  return { type: "refused", verb, answer, ended };
}
