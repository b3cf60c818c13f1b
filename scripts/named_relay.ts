/**
 * The relay that the operator names on the command line: its URL, the connection to it, and the filter that is meant.
 * Private addresses are allowed, since no stranger has chosen them.
 * Runs in the process of a command.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import type { Config } from "../lib/config/config.ts";
import { CallableTargets } from "../lib/network/callable_targets.ts";
import { FilterError, parseFilter } from "../lib/nostr/filter.ts";
import { normalRelayUrl } from "../lib/nostr/relay_url.ts";
import { openRelayKey } from "../lib/relay/relay_key.ts";
import { readAgeRange } from "../lib/upstream/age_range.ts";
import { RelayFailure } from "../lib/upstream/failure.ts";
import { politeLimits, UNKNOWN_LIMITS } from "../lib/upstream/polite_limits.ts";
import type { PoliteLimits } from "../lib/upstream/relay_conversation.ts";
import { readRelayDocument } from "../runtime/relay_document.ts";
import type { HostOptions } from "../runtime/resolved_host.ts";
import type { TimeRange } from "../lib/upstream/gaps.ts";
import type { StreamFilter } from "../lib/upstream/stream_filter.ts";
import {
  type OpenConversation,
  openConversation,
  type OpenConversationOptions,
} from "../runtime/open_conversation.ts";
import { UsageError } from "./command.ts";

/**
 * The URL on the command line, normalized.
 *
 * @throws {UsageError} if there is not one, or it is no URL of a relay.
 */
export function relayUrl(words: readonly string[]): string {
  if (words.length !== 1) throw new UsageError("Cannot run command: it needs the URL of one relay");
  const url = normalRelayUrl(words[0]!);
  if (url === null) throw new UsageError(`Cannot read URL "${words[0]}": it is not one of ws: or wss:`);
  return url;
}

/**
 * Connects, with the limits that the relay's document states, and with the own key for relays that ask who calls.
 *
 * @throws {RelayFailure} where the connection does not come about.
 */
export async function connectTo(
  url: string,
  config: Config,
  options: Partial<OpenConversationOptions> = {},
): Promise<OpenConversation> {
  const key = config.RELAY_SECRET_KEY ? await openRelayKey(config.RELAY_SECRET_KEY) : null;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  const hosts: HostOptions = {
    callable: new CallableTargets([host]),
    // The machine's own names, such as localhost, are in no DNS.
    resolve: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
  };
  return await openConversation(url, { ...hosts, limits: await limitsOf(url, hosts), key, ...options });
}

/** A relay without a document has the usual limits; whether it can be reached at all is the connection's to say. */
async function limitsOf(url: string, hosts: HostOptions): Promise<PoliteLimits> {
  try {
    return politeLimits(await readRelayDocument(url, hosts));
  } catch (error) {
    if (!(error instanceof RelayFailure)) throw error;
    return UNKNOWN_LIMITS;
  }
}

/** What is asked for: a filter of NIP-01 without `since`, `until` and `limit`, which stand apart. */
export interface Wanted {
  readonly filter: StreamFilter;
  readonly range: TimeRange;
  /** Infinity where the filter says none. */
  readonly limit: number;
}

/**
 * Reads `--filter` and `--range`.
 *
 * @param rangeText Ages, as `7d-1d`; not together with `since` or `until` of the filter.
 * @throws {UsageError}
 */
export function wantedOf(filterText = "{}", rangeText?: string): Wanted {
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(filterText);
    parseFilter(given, { limitMax: Number.MAX_SAFE_INTEGER, limitDefault: Number.MAX_SAFE_INTEGER });
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof FilterError)) throw error;
    throw new UsageError(`Cannot read filter "${filterText}": ${error.message}`);
  }
  const { since = 0, until = Infinity, limit = Infinity, ...filter } = given as {
    since?: number;
    until?: number;
    limit?: number;
  };
  if (rangeText === undefined) return { filter, range: { since, until }, limit };
  if (since !== 0 || until !== Infinity) {
    throw new UsageError(
      "Cannot combine --range with since or until of the filter: one of them says the time",
    );
  }
  try {
    return { filter, range: readAgeRange(rangeText, Math.floor(Date.now() / 1000)), limit };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
