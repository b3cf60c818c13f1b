/**
 * The kinds of parameter that management's methods take, each with its check.
 * Runs on any thread; no state.
 *
 * @module
 */
import {
  KIND_MAX,
  MANAGEMENT_REASON_CHARS_MAX,
  RELAY_DESCRIPTION_CHARS_MAX,
  RELAY_NAME_CHARS_MAX,
  URL_CHARS_MAX,
} from "../limits.ts";
import { isHex64 } from "../nostr/event.ts";
import { networkText, readNetwork } from "../network/network.ts";

/** One kind of parameter. */
export interface Parameter<Value> {
  /** What it is, ready to stand after "it is not". */
  readonly what: string;
  /** The value where the parameter is missing or null; undefined: it is required. */
  readonly missing: Value | undefined;
  /** The value, or undefined: it is not of this kind. */
  read(given: unknown): Value | undefined;
}

function required<Value>(what: string, read: Parameter<Value>["read"]): Parameter<Value> {
  return { what, missing: undefined, read };
}

/** The same, with a value where it is missing. */
function optional<Value>(missing: Value, { what, read }: Parameter<Value>): Parameter<Value> {
  return { what, missing, read };
}

function line(charsMin: number, charsMax: number): Parameter<string> {
  const what = `one line of ${charsMin === 0 ? "at most" : `${charsMin} to`} ${charsMax} characters`;
  return required(
    what,
    (given) => isText(given, charsMin, charsMax) && !/\p{Cc}/u.test(given) ? given : undefined,
  );
}

function isText(given: unknown, charsMin: number, charsMax: number): given is string {
  return typeof given === "string" && given.isWellFormed() && given.length >= charsMin &&
    given.length <= charsMax;
}

/** An integer, written as a number or in digits: NIP-43 has them as texts of tags. */
function integer(min: number, max: number): Parameter<number | null> {
  return optional(
    null,
    required<number | null>(`an integer from ${min} to ${max}`, (given) => {
      if (given === "") return null;
      const value = typeof given === "string" && /^-?\d{1,10}$/.test(given) ? Number(given) : given;
      return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
        ? value as number
        : undefined;
    }),
  );
}

function hex64(what: string): Parameter<string> {
  return required(`${what} of 64 lowercase hex characters`, (given) => isHex64(given) ? given : undefined);
}

/** Why. */
export const reason = optional("", line(0, MANAGEMENT_REASON_CHARS_MAX));
/** Whose. */
export const pubkey = hex64("a public key");
/** Which event. */
export const eventId = hex64("an event id");
/** Which kind. */
export const kind = required<string>(
  `an integer from 0 to ${KIND_MAX}`,
  (given) =>
    Number.isInteger(given) && (given as number) >= 0 && (given as number) <= KIND_MAX
      ? String(given)
      : undefined,
);
/** An address or a network, written in one way. */
export const address = required("an IP address or a network such as 192.0.2.0/24", (given) => {
  const network = typeof given === "string" ? readNetwork(given) : null;
  return network === null ? undefined : networkText(network);
});
/** The relay's name; empty: the configured one. */
export const relayName = line(0, RELAY_NAME_CHARS_MAX);
/** The relay's description; empty: the configured one. */
export const relayDescription = required(
  `a text of at most ${RELAY_DESCRIPTION_CHARS_MAX} characters`,
  (given) => isText(given, 0, RELAY_DESCRIPTION_CHARS_MAX) ? given : undefined,
);
/** The relay's icon; empty: the configured one. */
export const relayIcon = required("a URL with http:// or https://", (given) => {
  if (given === "") return given;
  if (!isText(given, 0, URL_CHARS_MAX)) return undefined;
  const protocol = URL.parse(given)?.protocol;
  return protocol === "https:" || protocol === "http:" ? given : undefined;
});
/** The id of a role. */
export const roleId = line(1, 64);
/** What a role is called. */
export const roleLabel = optional("", line(0, 100));
/** What a role is for. */
export const roleDescription = optional("", line(0, 300));
/** A hue (NIP-43). */
export const roleColor = integer(0, 360);
/** A place among the roles. */
export const roleOrder = integer(-1_000_000, 1_000_000);
