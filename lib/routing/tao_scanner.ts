/**
 * The words of a file in the format of taocpp's config: names, strings, numbers and signs, with white space and comments
 * between them (https://github.com/taocpp/config, JAXN). It moves forward only, so its work is linear in the text.
 * Runs on any thread; belongs to the parser.
 *
 * @module
 */
import { errorAt, type RoutingError } from "./routing_error.ts";

const SPACE = /[ \t\r\n]+/y;
const LINE_COMMENT = /(?:#|\/\/)[^\n]*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /[+-]?(?:0[xX][0-9a-fA-F]+|(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)/y;
const ESCAPE = /\\(?:(["'\\/bfnrtv0])|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4}))/y;
/** What stands in a string as it is: no control characters. */
const PLAIN: Readonly<Record<string, RegExp>> = {
  // deno-lint-ignore no-control-regex -- they are what is excluded
  '"': /[^"\\\u0000-\u001f\u007f]+/y,
  // deno-lint-ignore no-control-regex -- they are what is excluded
  "'": /[^'\\\u0000-\u001f\u007f]+/y,
};
const ESCAPED: Readonly<Record<string, string>> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  0: "\0",
};

/** See the module's text. */
export class TaoScanner {
  /** Where it stands: characters from the start. */
  at = 0;

  constructor(readonly text: string) {}

  /** The error of a place: where it stands, or another one. */
  error(state: string, at = this.at): RoutingError {
    return errorAt(this.text, at, state);
  }

  /** Whether the text is over. */
  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** What stands here, for errors. */
  get found(): string {
    return this.isAtEnd ? "the end of the file" : JSON.stringify(this.text.slice(this.at, this.at + 1));
  }

  /** Whether a sign stands here. */
  sees(sign: string): boolean {
    return this.text.startsWith(sign, this.at);
  }

  /** Moves past a sign, if it stands here. */
  takes(sign: string): boolean {
    if (!this.sees(sign)) return false;
    this.at += sign.length;
    return true;
  }

  /** Moves past white space and comments. */
  skipSpace(): void {
    for (;;) {
      if (this.#match(SPACE) !== null || this.#match(LINE_COMMENT) !== null) continue;
      if (!this.sees("/*")) return;
      const end = this.text.indexOf("*/", this.at + 2);
      if (end < 0) throw this.error('"/*" has no "*/"');
      this.at = end + 2;
    }
  }

  /** A name without quotes, or null. */
  name(): string | null {
    return this.#match(NAME)?.[0] ?? null;
  }

  /** A number, or null. */
  number(): number | null {
    const start = this.at;
    const text = this.#match(NUMBER)?.[0];
    if (text === undefined) return null;
    const value = text.startsWith("-") ? -Number(text.slice(1)) : Number(text);
    if (!Number.isFinite(value)) throw this.error(`"${text.slice(0, 32)}" is too large a number`, start);
    if (/[\w.]/.test(this.text.charAt(this.at))) throw this.error("a number ends in the middle of a word");
    return value;
  }

  /** A string in single, double or triple quotes, or null. */
  string(): string | null {
    const quote = this.text.charAt(this.at);
    if (quote !== '"' && quote !== "'") return null;
    return this.takes(quote.repeat(3)) ? this.#verbatim(quote.repeat(3)) : this.#quoted(quote);
  }

  #verbatim(quotes: string): string {
    const start = this.at;
    const end = this.text.indexOf(quotes, start);
    if (end < 0) throw this.error("the string has no end", start - 3);
    this.at = end + 3;
    return this.text.slice(start, end).replace(/^\r?\n/, "");
  }

  #quoted(quote: string): string {
    const start = this.at++;
    const parts: string[] = [];
    while (!this.takes(quote)) {
      const plain = this.#match(PLAIN[quote]!)?.[0];
      if (plain !== undefined) parts.push(plain);
      else if (this.sees("\\")) parts.push(this.#escape());
      else throw this.error("the string does not end on its line", start);
    }
    return parts.join("");
  }

  #escape(): string {
    const start = this.at;
    const match = this.#match(ESCAPE);
    if (match === null) {
      throw this.error("a backslash stands before a character that it does not change", start);
    }
    const [, letter, braced, four] = match;
    if (letter !== undefined) return ESCAPED[letter] ?? letter;
    const code = parseInt(braced ?? four!, 16);
    if (code > 0x10_ffff) throw this.error("the code is not a character's", start);
    return String.fromCodePoint(code);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match !== null) this.at = pattern.lastIndex;
    return match;
  }
}
