/**
 * The kinds of value a setting can have: each reads a text and says in words what it allows.
 * Runs on any thread; holds no state.
 *
 * @module
 */
import { isIP } from "node:net";
import { isHex64 } from "../nostr/event.ts";
import { parseFilter } from "../nostr/filter.ts";
import { readKindRanges } from "../policy/kind_ranges.ts";

/** One kind of value. */
export interface ValueKind<Value> {
  /** The kind's name, for the tables. */
  readonly name: string;
  /** What is allowed, ready to stand before "is allowed": `an integer from 0 to 65535`. */
  readonly allowed: string;
  /** The value of `text`, or undefined when it is not of this kind. `text` is trimmed and not empty. */
  read(text: string): Value | undefined;
  /** The text that `read` turns into `value` again. */
  write(value: Value): string;
}

/** Integers from `min` to `max`, written in decimal digits. */
export function integer(min: number, max: number): ValueKind<number> {
  return {
    name: "integer",
    allowed: `an integer from ${min} to ${max}`,
    read(text) {
      if (!/^-?[0-9]{1,16}$/.test(text)) return undefined;
      const value = Number(text);
      return value >= min && value <= max ? value : undefined;
    },
    write: String,
  };
}

/** `true` or `false`. */
export function boolean(): ValueKind<boolean> {
  return {
    name: "boolean",
    allowed: "true or false",
    read: (text) => text === "true" ? true : text === "false" ? false : undefined,
    write: String,
  };
}

/** One of `choices`, as written. */
export function choice<const Choice extends string>(choices: readonly Choice[]): ValueKind<Choice> {
  return {
    name: "choice",
    allowed: choices.length === 1 ? `"${choices[0]}"` : `one of ${choices.join(", ")}`,
    read: (text) => choices.find((value) => value === text),
    write: String,
  };
}

/** A path of the file system. Whether something is there is the reader's business. */
export function path(): ValueKind<string> {
  return {
    name: "path",
    allowed: "a path",
    read: (text) => hasControlCharacters(text) ? undefined : text,
    write: String,
  };
}

/** A comma-separated list of at most `most` paths. */
export function paths(most: number): ValueKind<readonly string[]> {
  return {
    name: "list",
    allowed: `a comma-separated list of at most ${most} paths`,
    read(text) {
      const items = text.split(",").map((item) => item.trim());
      return items.length <= most && items.every((item) => item !== "" && !hasControlCharacters(item))
        ? items
        : undefined;
    },
    write: (items) => items.join(","),
  };
}

/** An absolute URL of one of `schemes` without credentials, which belong into settings of their own. */
export function url(...schemes: string[]): ValueKind<string> {
  return {
    name: "url",
    allowed: `a URL with ${schemes.map((scheme) => `${scheme}://`).join(" or ")} and without credentials`,
    read(text) {
      if (!URL.canParse(text)) return undefined;
      const { protocol, host, username, password } = new URL(text);
      const plain = host !== "" && username === "" && password === "";
      return plain && schemes.includes(protocol.slice(0, -1)) ? text : undefined;
    },
    write: String,
  };
}

/** A comma-separated list of at most `most` such URLs. */
export function urls(most: number, ...schemes: string[]): ValueKind<readonly string[]> {
  const one = url(...schemes);
  return list(
    most,
    `URLs with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`,
    (item) => one.read(item) !== undefined,
  );
}

/** A comma-separated list of at most `most` texts without spaces. */
export function texts(most: number): ValueKind<readonly string[]> {
  return list(most, "texts without spaces", (item) => /^\S{1,255}$/.test(item));
}

function list(most: number, what: string, isOne: (item: string) => boolean): ValueKind<readonly string[]> {
  return {
    name: "list",
    allowed: `a comma-separated list of at most ${most} ${what}`,
    read(text) {
      const items = text.split(",").map((item) => item.trim());
      return items.length <= most && items.every(isOne) ? items : undefined;
    },
    write: (items) => items.join(","),
  };
}

/** One line of text of at most `charsMax` characters. */
export function text(charsMax: number): ValueKind<string> {
  return {
    name: "text",
    allowed: `one line of at most ${charsMax} characters`,
    read: (text) => text.length <= charsMax && !hasControlCharacters(text) ? text : undefined,
    write: String,
  };
}

/** A filter (NIP-01) as JSON on one line of at most `charsMax` characters. */
export function filter(charsMax: number): ValueKind<string> {
  return {
    name: "filter",
    allowed: `a filter (NIP-01) as JSON on one line of at most ${charsMax} characters`,
    read: (text) =>
      text.length <= charsMax && !hasControlCharacters(text) && isFilter(text) ? text : undefined,
    write: String,
  };
}

function isFilter(text: string): boolean {
  try {
    parseFilter(JSON.parse(text), { limitMax: 1, limitDefault: 1 });
    return true;
  } catch {
    return false;
  }
}

/** Text that matches `pattern` as a whole; `allowed` says in words what that is. */
export function matching(name: string, pattern: RegExp, allowed: string): ValueKind<string> {
  return { name, allowed, read: (text) => pattern.test(text) ? text : undefined, write: String };
}

/** A comma-separated list of IP addresses and networks, e.g. `127.0.0.1,10.0.0.0/8,::1`. */
export function networks(): ValueKind<readonly string[]> {
  return {
    name: "list",
    allowed: "a comma-separated list of IP addresses and networks such as 10.0.0.0/8",
    read(text) {
      const items = text.split(",").map((item) => item.trim());
      return items.every(isNetwork) ? items : undefined;
    },
    write: (items) => items.join(","),
  };
}

/** Kinds of events, as text for `readKindRanges`, or `none`: the empty text. */
export function kinds(): ValueKind<string> {
  return {
    name: "kinds",
    allowed: "a comma-separated list of kinds and ranges such as 0,1,30000-39999, or none",
    read: (text) => text === "none" ? "" : readKindRanges(text) === undefined ? undefined : text,
    write: (value) => value === "" ? "none" : value,
  };
}

/** A comma-separated list of public keys. */
export function pubkeys(): ValueKind<readonly string[]> {
  return {
    name: "list",
    allowed: "a comma-separated list of public keys of 64 lowercase hex digits",
    read(text) {
      const items = text.split(",").map((item) => item.trim());
      return items.every(isHex64) ? items : undefined;
    },
    write: (items) => items.join(","),
  };
}

function isNetwork(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function hasControlCharacters(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
