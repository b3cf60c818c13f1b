/**
 * Parses the format of taocpp's config, in which strfry's files are written: JSON with comments, names and strings as in
 * JavaScript, optional commas, `=` for `:`, an implicit object around all, and values that are added to those before.
 * Runs on any thread; no state.
 *
 * ```
 *   name = value     replaces      name += value, name { … }, name [ … ]     add: objects merge, arrays append
 *   a.b = value      is a { b = value }                          name = delete     removes
 * ```
 *
 * Members of an object keep whether they replace or add until they meet what they are added to. Extensions and references
 * (in parentheses), binary values, and `*` in names are refused.
 *
 * @module
 */
import { STREAMS_FILE_DEPTH_MAX } from "../limits.ts";
import { TaoScanner } from "./tao_scanner.ts";

/** A value and where it begins in the text. */
export interface TaoValue {
  readonly at: number;
  value: string | number | boolean | null | TaoValue[] | Map<string, TaoMember>;
}

/** A member of an object; no value: it was deleted. */
interface TaoMember {
  readonly replaces: boolean;
  readonly nameAt: number;
  value: TaoValue | null;
}

/**
 * Parses a text.
 *
 * @throws {RoutingError}
 */
export function parseTaoConfig(text: string): TaoValue {
  return new TaoParser(text).file();
}

/** The members of an object, without those that were deleted, each with the place of its name. */
export function membersOf(object: Map<string, TaoMember>): [name: string, value: TaoValue, nameAt: number][] {
  return [...object].flatMap(([name, { value, nameAt }]) => value === null ? [] : [[name, value, nameAt]]);
}

/** The value as JSON has it. */
export function plainValue({ value }: TaoValue): unknown {
  if (Array.isArray(value)) return value.map(plainValue);
  if (!(value instanceof Map)) return value;
  // Not a property of the prototype, whatever the file calls it.
  return Object.fromEntries(membersOf(value).map(([name, member]) => [name, plainValue(member)]));
}

class TaoParser {
  readonly #scanner: TaoScanner;
  #depth = 0;

  constructor(text: string) {
    this.#scanner = new TaoScanner(text);
  }

  file(): TaoValue {
    const scanner = this.#scanner;
    scanner.skipSpace();
    const at = scanner.at;
    const isBraced = scanner.takes("{");
    const value = this.#members(isBraced ? "}" : null);
    scanner.skipSpace();
    if (!scanner.isAtEnd) throw scanner.error(`nothing may follow the last "}", but ${scanner.found} does`);
    return { at, value };
  }

  /** Members until a closing brace, or until the end. */
  #members(end: string | null): Map<string, TaoMember> {
    const scanner = this.#scanner;
    const members = new Map<string, TaoMember>();
    for (;;) {
      scanner.skipSpace();
      if (end === null ? scanner.isAtEnd : scanner.takes(end)) return members;
      this.#member(members);
      scanner.skipSpace();
      scanner.takes(",");
    }
  }

  #member(members: Map<string, TaoMember>): void {
    const scanner = this.#scanner;
    const nameAt = scanner.at;
    const path = [this.#name()];
    while (scanner.takes(".")) path.push(this.#name());
    if (path.length > STREAMS_FILE_DEPTH_MAX) throw scanner.error("the name has too many parts", nameAt);
    scanner.skipSpace();
    const replaces = !scanner.sees("+=") && (scanner.takes("=") || scanner.takes(":"));
    if (!replaces && !scanner.takes("+=") && !scanner.sees("{") && !scanner.sees("[")) {
      throw scanner.error(`"=" or "{" is expected behind a name, but there is ${scanner.found}`);
    }
    scanner.skipSpace();
    const value = replaces && isDelete(scanner) ? null : this.#sum();
    let member: TaoMember = { replaces, nameAt, value };
    for (const name of path.slice(1).reverse()) {
      member = { replaces: false, nameAt, value: { at: nameAt, value: new Map([[name, member]]) } };
    }
    this.#put(members, path[0]!, member);
  }

  #name(): string {
    const scanner = this.#scanner;
    const name = scanner.name() ?? scanner.string();
    if (name !== null) return name;
    if (scanner.sees("(")) throw scanner.error("extensions such as (include) are not supported");
    if (scanner.sees("*")) throw scanner.error('"*" in names is not supported');
    throw scanner.error(`a name is expected, but there is ${scanner.found}`);
  }

  /** Puts a member beside those before it. */
  #put(members: Map<string, TaoMember>, name: string, member: TaoMember): void {
    const before = members.get(name);
    if (before === undefined || member.replaces) members.set(name, member);
    else if (before.value === null) members.set(name, { ...member, replaces: true });
    else this.#add(before.value, member.value!);
  }

  /** One value, or several that are added. */
  #sum(): TaoValue {
    const scanner = this.#scanner;
    const sum = this.#value();
    for (;;) {
      scanner.skipSpace();
      if (!scanner.takes("+")) return sum;
      scanner.skipSpace();
      this.#add(sum, this.#value());
    }
  }

  #add(to: TaoValue, { at, value }: TaoValue): void {
    if (value instanceof Map && to.value instanceof Map) {
      for (const [name, member] of value) this.#put(to.value, name, member);
    } else if (Array.isArray(value) && Array.isArray(to.value)) {
      for (const element of value) to.value.push(element);
    } else if (typeof value === "number" && typeof to.value === "number") to.value += value;
    else if (typeof value === "string" && typeof to.value === "string") to.value += value;
    else throw this.#scanner.error("it cannot be added to what it follows: they are not of one type", at);
  }

  #value(): TaoValue {
    const scanner = this.#scanner;
    const at = scanner.at;
    if (scanner.takes("{")) return { at, value: this.#nested(at, () => this.#members("}")) };
    if (scanner.takes("[")) return { at, value: this.#nested(at, () => this.#elements()) };
    const value = scanner.string() ?? scanner.number();
    if (value !== null) return { at, value };
    const word = scanner.name();
    if (word === "true" || word === "false") return { at, value: word === "true" };
    if (word === "null") return { at, value: null };
    if (word !== null) throw scanner.error(`${JSON.stringify(word.slice(0, 32))} needs quotes`, at);
    if (scanner.sees("(")) throw scanner.error("references and extensions in parentheses are not supported");
    throw scanner.error(`a value is expected, but there is ${scanner.found}`);
  }

  #elements(): TaoValue[] {
    const scanner = this.#scanner;
    const elements: TaoValue[] = [];
    for (;;) {
      scanner.skipSpace();
      if (scanner.takes("]")) return elements;
      elements.push(this.#sum());
      scanner.skipSpace();
      scanner.takes(",");
    }
  }

  #nested<Value>(at: number, read: () => Value): Value {
    if (++this.#depth > STREAMS_FILE_DEPTH_MAX) {
      throw this.#scanner.error(`arrays and objects lie deeper than ${STREAMS_FILE_DEPTH_MAX} levels`, at);
    }
    const value = read();
    this.#depth--;
    return value;
  }
}

/** Moves past `delete`, if it stands here. */
function isDelete(scanner: TaoScanner): boolean {
  if (!scanner.sees("delete")) return false;
  const at = scanner.at;
  if (scanner.name() === "delete") return true;
  scanner.at = at;
  return false;
}
