/**
 * The messages of NIP-77: what a client says, parsed or refused, and what the relay says, as texts.
 * Runs on any thread; no state.
 *
 * @module
 */
import { type Filter, FilterError, parseFilter } from "./filter.ts";

/** A message of NIP-77 whose subscription id is one. */
export type NegentropyMessage =
  | {
    readonly type: "NEG-OPEN";
    readonly subscriptionId: string;
    readonly filter: Filter;
    /** In hex. */
    readonly message: string;
  }
  | { readonly type: "NEG-MSG"; readonly subscriptionId: string; readonly message: string }
  | { readonly type: "NEG-CLOSE"; readonly subscriptionId: string }
  /** Not understood: the session of this id, if there is one, is over. */
  | {
    readonly type: "NEG-FAULT";
    readonly verb: string;
    readonly subscriptionId: string;
    /** Prefix and reason. */
    readonly reason: string;
  };

/** The verbs of NIP-77. */
export const NEGENTROPY_VERBS = ["NEG-OPEN", "NEG-MSG", "NEG-CLOSE"] as const;

const HEX = /^(?:[0-9a-fA-F]{2})+$/;

/**
 * Parses a message whose verb and subscription id are known to be right. Never throws.
 *
 * @param eventsMax The most events that a session may select. A filter that names no lower limit selects one more, by which
 * it is known to exceed the bound.
 */
export function parseNegentropyMessage(
  verb: typeof NEGENTROPY_VERBS[number],
  subscriptionId: string,
  given: readonly unknown[],
  eventsMax: number,
): NegentropyMessage {
  const fault = (reason: string) => ({ type: "NEG-FAULT", verb, subscriptionId, reason } as const);
  if (verb === "NEG-CLOSE") return { type: verb, subscriptionId };
  const message = given[verb === "NEG-OPEN" ? 1 : 0];
  if (typeof message !== "string" || !HEX.test(message)) {
    return fault(`invalid: the message of a ${verb} is not hex`);
  }
  if (verb === "NEG-MSG") return { type: verb, subscriptionId, message };
  try {
    const filter = parseFilter(given[0], { limitMax: eventsMax + 1, limitDefault: eventsMax + 1 });
    if (filter.search !== undefined) return fault("unsupported: a search is no set to compare");
    return { type: verb, subscriptionId, filter, message };
  } catch (error) {
    if (error instanceof FilterError) return fault(error.message);
    throw error;
  }
}

/** The relay's part of a session. `message` is hex. */
export function negentropyText(subscriptionId: string, message: string): string {
  return `["NEG-MSG",${JSON.stringify(subscriptionId)},"${message}"]`;
}

/** The session is over, or was refused. `eventsMax` is told where the filter selects more. */
export function negentropyErrorText(subscriptionId: string, reason: string, eventsMax?: number): string {
  const most = eventsMax === undefined ? "" : `,${eventsMax}`;
  return `["NEG-ERR",${JSON.stringify(subscriptionId)},${JSON.stringify(reason)}${most}]`;
}
