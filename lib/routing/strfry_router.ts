/**
 * Reads the configuration of strfry's router as strfry does (its docs/router.md), so that a file moves over unchanged.
 * Runs on any thread; no state.
 *
 * ```
 *   connectionTimeout = 20
 *   streams { NAME { dir = "down"  filter = { "kinds": [0, 3] }  urls = [ "wss://…" ]  pluginDown = "…" } … }
 * ```
 *
 * strfry ignores a field that it does not know. Here such a field is told of, and refused where it resembles a known one:
 * a misspelt `filter` would let everything through.
 *
 * @module
 */
import { editDistance } from "../config/near_miss.ts";
import { STREAMS_FILE_BYTES_MAX, STREAMS_MAX } from "../limits.ts";
import { hasMoreBytesThan } from "../nostr/characters.ts";
import { errorAt, placeIn, RoutingError } from "./routing_error.ts";
import type { RoutingConfig, Stream } from "./stream.ts";
import { readStream, type StreamFields } from "./stream_fields.ts";
import { membersOf, parseTaoConfig, plainValue, type TaoValue } from "./tao_config.ts";

/** The fields of a stream, by their names in the file. */
const FIELDS: Readonly<Record<string, keyof StreamFields>> = {
  dir: "direction",
  filter: "filter",
  urls: "urls",
  pluginUp: "pluginUp",
  pluginDown: "pluginDown",
};
const TOP = ["streams", "connectionTimeout"];
/** Ignored fields that are told of. */
const TOLD = 50;

/**
 * Reads the text of a file.
 *
 * @throws {RoutingError} that names line and column.
 */
export function readStrfryRouter(text: string): RoutingConfig {
  if (hasMoreBytesThan(text, STREAMS_FILE_BYTES_MAX)) {
    throw new RoutingError(`Cannot read streams: the file is longer than ${STREAMS_FILE_BYTES_MAX} bytes`);
  }
  return new RouterReader(text).read();
}

class RouterReader {
  readonly #text: string;
  readonly #ignored: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): RoutingConfig {
    const file = parseTaoConfig(this.#text);
    let streams: Stream[] | null = null;
    let connectMsMax: number | null = null;
    for (const [name, value, nameAt] of membersOf(file.value as Parameters<typeof membersOf>[0])) {
      if (name === "streams") streams = this.#streams(value);
      else if (name === "connectionTimeout") connectMsMax = this.#seconds(value) * 1000;
      else this.#ignore(name, nameAt, TOP);
    }
    if (streams === null) throw errorAt(this.#text, file.at, '"streams" is missing');
    return { streams, connectMsMax, settings: {}, ignored: this.#ignored };
  }

  #seconds({ value, at }: TaoValue): number {
    if (Number.isInteger(value) && value as number > 0 && value as number <= 3_600) return value as number;
    throw errorAt(this.#text, at, '"connectionTimeout" is not a number of seconds from 1 to 3600');
  }

  #streams({ value, at }: TaoValue): Stream[] {
    if (!(value instanceof Map)) throw errorAt(this.#text, at, '"streams" is not an object');
    const members = membersOf(value);
    if (members.length > STREAMS_MAX) {
      throw errorAt(this.#text, at, `there are more than ${STREAMS_MAX} streams`);
    }
    return members.map(([name, stream, nameAt]) => this.#stream(name, stream, nameAt));
  }

  #stream(name: string, { value, at }: TaoValue, nameAt: number): Stream {
    const called = JSON.stringify(name.slice(0, 64));
    if (!(value instanceof Map)) throw errorAt(this.#text, at, `stream ${called} is not an object`);
    const values = new Map<keyof StreamFields, TaoValue>();
    for (const [key, member, keyAt] of membersOf(value)) {
      const field = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
      if (field === undefined) this.#ignore(key, keyAt, Object.keys(FIELDS));
      else values.set(field, member);
    }
    const plain = (field: keyof StreamFields) => {
      const given = values.get(field);
      return given === undefined ? undefined : plainValue(given);
    };
    const fields = {
      name,
      direction: plain("direction"),
      filter: plain("filter"),
      urls: plain("urls"),
      pluginUp: plain("pluginUp"),
      pluginDown: plain("pluginDown"),
    };
    return readStream(fields, (field, state, element) => {
      const given = values.get(field);
      const place = element === undefined ? given : (given!.value as TaoValue[])[element];
      const key = Object.keys(FIELDS).find((key) => FIELDS[key] === field);
      const what = key === undefined ? `stream ${called}` : `"${key}" of stream ${called}`;
      return errorAt(this.#text, place?.at ?? nameAt, `${what}: ${state}`);
    });
  }

  #ignore(name: string, at: number, known: readonly string[]): void {
    const called = JSON.stringify(name.slice(0, 64));
    const given = name.slice(0, 64).toLowerCase();
    const meant = known.find((key) => editDistance(key.toLowerCase(), given) <= (given.length < 5 ? 1 : 2));
    if (meant !== undefined) throw errorAt(this.#text, at, `${called} is unknown; "${meant}" may be meant`);
    if (this.#ignored.length === TOLD) return;
    this.#ignored.push(`${placeIn(this.#text, at)}: ${called} is unknown and ignored`);
  }
}
