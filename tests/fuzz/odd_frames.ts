/**
 * Makes frames for the fuzz of the frame reader: events with odd strings, written as odd clients write them, then spoiled
 * byte by byte, with ids that are right nevertheless, so that what is wrong elsewhere comes to light.
 * Runs on a test's thread; the generator is the caller's.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { eventParts, idText, type NostrEvent, shapeFault } from "../../lib/nostr/event.ts";
import type { Prng } from "../support/prng.ts";

/** One frame. */
export interface OddFrame {
  readonly bytes: Uint8Array;
  /** Written as every client may, and not spoiled: a reader that leaves it to others is of no use. */
  readonly isUsual: boolean;
}

/** Bytes of a frame up to which its own text is hashed. */
const VERBATIM_BYTES_MAX = 32 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const NAMES = [
  "e",
  "p",
  "d",
  "a",
  "t",
  "A",
  "Z",
  "-",
  "expiration",
  "nonce",
  "relay",
  "",
  "é",
  "1",
  "@",
  "[",
  "dd",
  '"',
  "\n",
];
const KINDS = [
  0,
  1,
  1,
  1,
  3,
  5,
  6,
  7,
  16,
  62,
  1059,
  9_999,
  10_000,
  19_999,
  20_000,
  22_242,
  29_999,
  30_000,
  39_999,
  40_000,
  65_535,
];
const ATOMS = [
  "a",
  "Hello, world. ",
  "0123456789abcdef",
  " ",
  "\u0000",
  "\u0001",
  "\u0007",
  "\b",
  "\t",
  "\n",
  "\u000b",
  "\f",
  "\r",
  "\u000e",
  "\u001f",
  '"',
  "\\",
  "\\\\",
  '\\"',
  "/",
  "\u007f",
  "\u0080",
  "é",
  "ß",
  "\u07ff",
  "\u0800",
  "漢字",
  "\u2028",
  "\u2029",
  "\ufeff",
  "\ufffd",
  "\uffff",
  "🎉",
  "\u{10ffff}",
  '{"tags":[["-"]]}',
  '{"tags":[["\\u002d"]]}',
  '"-"',
  "\\u0041",
  "\\n",
  "x".repeat(15),
  "y".repeat(16),
  "z".repeat(33),
  "1700000000",
  "[]",
  "-",
];
/** What a spoiler writes into a frame. */
const SHARDS = [
  '"',
  "\\",
  "\\\\",
  "\\u",
  "\\u0000",
  "\\u001F",
  "\\u001f",
  "\\u0008",
  "\\u0009",
  "\\u000a",
  "\\u000c",
  "\\u000d",
  "\\u0041",
  "\\ud83c\\udf89",
  "\\ud83c",
  "\\udf89",
  "\\/",
  "\\b",
  "\\x",
  "/",
  ",",
  ":",
  "[",
  "]",
  "{",
  "}",
  "[]",
  "{}",
  "[[]]",
  " ",
  "\t",
  "\n",
  "\r",
  "\v",
  "\u00a0",
  "\u0000",
  "\u001f",
  "0",
  "1",
  "-",
  "-0",
  ".0",
  ".5",
  "e1",
  "00",
  "null",
  "true",
  "false",
  "1e999",
  '"id":"",',
  '"extra":1,',
  '"__proto__":{},',
  '"kind":1,',
  '"tags":[],',
  '"content":"",',
  ",1",
  ',"x"',
  '["d"],',
  '["d","x"],',
  '["-"],',
  '["expiration","1"],',
  '["expiration","99999999999999999"],',
  "65536",
  "9007199254740992",
  "a",
];
/** Pieces of bytes that are no UTF-8, or hardly. */
const RAW = [
  [0x80],
  [0xc0, 0x80],
  [0xc3],
  [0xed, 0xa0, 0x80],
  [0xed, 0x9f, 0xbf],
  [0xe0, 0x80, 0x80],
  [0xf0, 0x80, 0x80, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5],
  [0xff],
  [0xef, 0xbb, 0xbf],
  [0xe2, 0x80],
  [0xf0, 0x9f, 0x8e],
];

/** Makes the next frame. */
export function oddFrame(prng: Prng): OddFrame {
  const event = oddEvent(prng);
  const style = prng.chance(0.5) ? prng.pick(USUAL) : oddStyle(prng);
  let bytes: Uint8Array = encoder.encode(message(event, style, prng));
  const spoils = prng.chance(0.5) ? prng.int(1, 3) : 0;
  for (let n = 0; n < spoils; n++) bytes = spoiled(bytes, prng);
  const isUsual = spoils === 0 && USUAL.includes(style) && isWellFormed(event);
  if (!USUAL.includes(style) && prng.chance(0.5)) bytes = withVerbatimId(bytes);
  else if (spoils > 0 && prng.chance(0.9)) {
    bytes = prng.chance(0.6) ? withRightId(bytes) : withVerbatimId(bytes);
  }
  return { bytes, isUsual };
}

interface Style {
  readonly spaces: number;
  readonly escapes: number;
  readonly numbers: number;
  readonly extras: number;
}

const TIGHT: Style = { spaces: 0, escapes: 0, numbers: 0, extras: 0 };
const USUAL: readonly Style[] = [TIGHT, { ...TIGHT, spaces: 0.05 }];

function oddStyle(prng: Prng): Style {
  const some = () => prng.chance(0.5) ? prng.float() * 0.2 : 0;
  return { spaces: some(), escapes: some(), numbers: some(), extras: some() };
}

function oddString(prng: Prng, atomsMax: number): string {
  let text = "";
  for (let n = prng.int(0, atomsMax); n > 0; n--) text += prng.pick(ATOMS);
  if (prng.chance(0.01)) text += prng.pick(["\ud83c", "\udf89", "\ud83c\ud83c"]);
  return text;
}

function oddEvent(prng: Prng): NostrEvent {
  const tag = () => {
    if (prng.chance(0.05)) return [];
    const value = prng.chance(0.3)
      ? prng.hex(32)
      : prng.chance(0.2)
      ? String(prng.int(0, 2 ** 31))
      : oddString(prng, 4);
    const rest = Array.from({ length: prng.int(0, 2) }, () => oddString(prng, 2));
    return prng.chance(0.1) ? [prng.pick(NAMES)] : [prng.pick(NAMES), value, ...rest];
  };
  const many = prng.chance(0.02) ? 40 : 5;
  const tags = Array.from({ length: prng.int(0, many) }, tag);
  if (prng.chance(0.3)) tags.push(...tags.slice(0, prng.int(0, tags.length)));
  const unsigned = {
    pubkey: prng.hex(32),
    created_at: prng.pick([0, 1, 10, 1_700_000_000, prng.uint32(), 2 ** 53 - 1, prng.uint32() * 2 ** 20]),
    kind: prng.chance(0.7) ? prng.pick(KINDS) : prng.int(0, 65_535),
    tags,
    content: oddString(prng, 12),
    sig: prng.hex(64),
  };
  return { id: rightId({ ...unsigned, id: "" }), ...unsigned };
}

function rightId(event: NostrEvent): string {
  return createHash("sha256").update(idText(event, eventParts(event))).digest("hex");
}

function isWellFormed({ content, tags }: NostrEvent): boolean {
  return content.isWellFormed() && tags.flat().every((item) => item.isWellFormed());
}

function message(event: NostrEvent, style: Style, prng: Prng): string {
  const space = () => prng.chance(style.spaces) ? prng.pick([" ", "\n", "\t", "\r", "  ", "\r\n"]) : "";
  const spaced = (...parts: string[]) => parts.map((part) => part + space()).join("");
  const text = (value: string) => written(value, style, prng);
  const list = (items: string[]) => spaced("[", items.map((item) => spaced(item)).join(spaced(",")), "]");
  const number = (value: number) => prng.chance(style.numbers) ? oddNumber(value, prng) : String(value);
  const fields: [string, string][] = [
    ["id", text(event.id)],
    ["pubkey", text(event.pubkey)],
    ["created_at", number(event.created_at)],
    ["kind", number(event.kind)],
    ["tags", list(event.tags.map((tag) => list(tag.map(text))))],
    ["content", text(event.content)],
    ["sig", text(event.sig)],
  ];
  let order = prng.chance(0.5) ? fields : prng.shuffle(fields);
  if (prng.chance(style.extras)) {
    const extra = prng.pick(
      [...fields, ["x", "1"], ["__proto__", "null"], ["ID", '""']] as [string, string][],
    );
    order = prng.shuffle([...order, extra]);
  }
  const members = order.map(([name, value]) => spaced(text(name), ":", value)).join(spaced(","));
  const more = prng.chance(style.extras) ? spaced(",", "1") : "";
  return space() + spaced("[", text("EVENT"), ",", "{", members, "}", more, "]");
}

/** A string as JSON, some characters escaped that need not be. */
function written(value: string, style: Style, prng: Prng): string {
  const json = JSON.stringify(value);
  if (style.escapes === 0) return json;
  return json.replace(/\\u[0-9a-f]{4}|\\.|[^\\"]/gsu, (piece) => {
    if (!prng.chance(style.escapes)) return piece;
    if (piece === "/") return "\\/";
    const units = JSON.parse(`"${piece}"`) as string;
    let escaped = "";
    for (let n = 0; n < units.length; n++) {
      escaped += "\\u" + units.charCodeAt(n).toString(16).padStart(4, "0");
    }
    return prng.chance(0.3) ? escaped.toUpperCase().replaceAll("\\U", "\\u") : escaped;
  });
}

function oddNumber(value: number, prng: Prng): string {
  return prng.pick([
    `${value}.0`,
    `${value}e0`,
    value.toExponential(),
    `0${value}`,
    `-${value}`,
    `${value}.5`,
    `"${value}"`,
  ]);
}

function spoiled(bytes: Uint8Array, prng: Prng): Uint8Array {
  const at = prng.int(0, bytes.length);
  const end = Math.min(bytes.length, at + prng.int(0, prng.chance(0.1) ? 200 : 8));
  const insert = (...parts: Uint8Array[]) => concat([bytes.subarray(0, at), ...parts, bytes.subarray(end)]);
  switch (prng.int(0, 6)) {
    case 0: {
      const copy = bytes.slice();
      if (at < copy.length) copy[at]! ^= 1 << prng.int(0, 7);
      return copy;
    }
    case 1:
      return insert();
    case 2:
      return insert(Uint8Array.from(prng.pick(RAW)));
    case 3:
      return insert(bytes.subarray(at, end), bytes.subarray(at, end));
    case 4:
      return prng.chance(0.2) ? bytes.slice(0, at) : insert(prng.bytes(prng.int(0, 3)));
    default:
      return insert(bytes.subarray(at, prng.chance(0.5) ? at : end), encoder.encode(prng.pick(SHARDS)));
  }
}

/** Gives a spoiled event the id that it should have, where it still has one. */
function withRightId(bytes: Uint8Array): Uint8Array {
  let event: NostrEvent;
  const text = decoder.decode(bytes);
  try {
    event = JSON.parse(text)[1] as NostrEvent;
  } catch {
    return bytes;
  }
  if (shapeFault(event) !== null) return bytes;
  const id = encoder.encode(event.id);
  const at = indexOf(bytes, id);
  if (at < 0) return bytes;
  const copy = bytes.slice();
  copy.set(encoder.encode(rightId(event)), at);
  return copy;
}

/** An event's fields in their usual order, a character a byte. */
const FIELDS =
  /"id":"([^"]*)","pubkey":"([^"]*)","created_at":(.*),"kind":(.*),"tags":(.*),"content":(.*),"sig":/s;

/**
 * Gives a spoiled event the id of its own bytes, whatever they are: a reader that passes on what it should not finds the
 * id that it expects.
 */
function withVerbatimId(bytes: Uint8Array): Uint8Array {
  const match = FIELDS.exec(String.fromCharCode(...bytes.subarray(0, VERBATIM_BYTES_MAX)));
  if (match === null || match[1]!.length !== 64) return bytes;
  const [, , pubkey, createdAt, kind, tags, content] = match;
  const text = `[0,"${pubkey}",${createdAt},${kind},${tags},${content}]`;
  const copy = bytes.slice();
  const id = createHash("sha256").update(text, "latin1").digest("hex");
  copy.set(encoder.encode(id), match.index + '"id":"'.length);
  return copy;
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  let at = bytes.indexOf(part[0]!);
  while (at >= 0 && !part.every((byte, n) => bytes[at + n] === byte)) at = bytes.indexOf(part[0]!, at + 1);
  return at;
}

function concat(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
