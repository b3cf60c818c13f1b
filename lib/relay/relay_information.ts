/**
 * The relay information document (NIP-11): what the relay says of itself, made from what it enforces.
 * Runs on any thread; holds no state.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import { restrictsWrites } from "./configured_policies.ts";
import { servedNips } from "./nips.ts";

/** The document. A key that has nothing to say is absent. */
export interface RelayInformation {
  readonly name: string;
  readonly description: string;
  readonly banner?: string;
  readonly icon?: string;
  readonly pubkey?: string;
  readonly contact?: string;
  /** The relay's own key. */
  readonly self?: string;
  readonly supported_nips: readonly number[];
  readonly software?: string;
  readonly version: string;
  readonly terms_of_service?: string;
  readonly limitation: RelayLimitation;
}

/** NIP-11's `limitation`. */
export interface RelayLimitation {
  /** Bytes of UTF-8. */
  readonly max_message_length: number;
  readonly max_subscriptions: number;
  readonly max_limit: number;
  /** Characters. */
  readonly max_subid_length: number;
  readonly max_event_tags: number;
  /** Unicode characters. */
  readonly max_content_length: number;
  /** Leading zero bits of an id (NIP-13). */
  readonly min_pow_difficulty: number;
  /** Whether a client can do nothing at all before it has proved a key (NIP-42). */
  readonly auth_required: boolean;
  readonly payment_required: boolean;
  /** Whether a writer has to know and meet a condition, such as proof of work. */
  readonly restricted_writes: boolean;
  /** Seconds in the past; absent when any is allowed. */
  readonly created_at_lower_limit?: number;
  /** Seconds in the future. */
  readonly created_at_upper_limit: number;
  readonly default_limit: number;
}

/** Which program runs. */
export interface Software {
  /** The project's address, or its name. */
  readonly name: string;
  readonly version: string;
}

/** What the document says that no setting does. */
interface Sayings {
  /** What management has made of a text (NIP-86); null: what the configuration says. */
  readonly changed?: (name: "name" | "description" | "icon") => string | null;
  /** The public key of the relay itself, or null: it has none. */
  readonly self?: string | null;
}

/** The document for `config`; source: NIP-11. */
export function relayInformation(
  config: Config,
  software: Software,
  { changed = () => null, self = null }: Sayings = {},
): RelayInformation {
  return {
    name: changed("name") ?? config.RELAY_NAME,
    description: changed("description") ?? config.RELAY_DESCRIPTION,
    ...present("banner", config.RELAY_BANNER),
    ...present("icon", changed("icon") ?? config.RELAY_ICON),
    ...present("pubkey", config.RELAY_PUBKEY),
    ...present("contact", config.RELAY_CONTACT),
    ...present("self", self),
    supported_nips: servedNips(config).map(({ number }) => number),
    // A name is no URL, which NIP-11 wants here.
    ...present("software", URL.canParse(software.name) ? software.name : null),
    version: software.version,
    ...present("terms_of_service", config.RELAY_TERMS),
    limitation: limitation(config),
  };
}

function limitation(config: Config): RelayLimitation {
  return {
    max_message_length: config.MAX_MESSAGE_LENGTH,
    max_subscriptions: config.MAX_SUBSCRIPTIONS,
    max_limit: config.MAX_LIMIT,
    max_subid_length: config.MAX_SUBID_LENGTH,
    max_event_tags: config.MAX_EVENT_TAGS,
    max_content_length: config.MAX_CONTENT_LENGTH,
    min_pow_difficulty: config.MIN_POW_DIFFICULTY,
    auth_required: config.AUTH_TO_READ && config.AUTH_TO_WRITE,
    payment_required: false,
    restricted_writes: restrictsWrites(config),
    ...(config.CREATED_AT_LOWER_LIMIT > 0 && { created_at_lower_limit: config.CREATED_AT_LOWER_LIMIT }),
    created_at_upper_limit: config.CREATED_AT_UPPER_LIMIT,
    default_limit: config.DEFAULT_LIMIT,
  };
}

function present<Key extends string>(key: Key, value: string | null): { [K in Key]?: string } {
  return value === null ? {} : { [key]: value } as { [K in Key]?: string };
}
