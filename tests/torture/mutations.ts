/**
 * Mutations of real messages: of their text, and of the values that they are made of.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */
import type { Prng } from "../support/prng.ts";

/** What goes wrong most: bounds of numbers, kinds of values, texts that are nearly right. */
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  65_536,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e308,
  "",
  " ",
  "\u0000",
  "\ud800",
  "\u2028",
  "__proto__",
  "constructor",
  "0".repeat(64),
  "F".repeat(64),
  "g".repeat(64),
  "a".repeat(63),
  "é".repeat(32),
  [],
  [[]],
  [["e"]],
  [[""]],
  [[1]],
  {},
  { "#e": ["x"] },
  { "": null },
];
const ODD_TEXTS = [
  '"',
  "\\",
  "\\u",
  "\\ud800",
  "[",
  "]",
  "{",
  "}",
  ",",
  ":",
  "\u0000",
  "\n",
  "\ufeff",
  "é",
  "😀",
  "1e999",
  "-0",
];

/** A text with some of its characters changed, gone, doubled or put in. */
export function mutateText(prng: Prng, text: string): string {
  for (let times = prng.int(1, 3); times > 0; times--) {
    const at = prng.int(0, text.length);
    const end = Math.min(text.length, at + prng.int(1, prng.chance(0.1) ? 200 : 4));
    switch (prng.int(0, 4)) {
      case 0:
        text = text.slice(0, at) + text.slice(end);
        break;
      case 1:
        text = text.slice(0, at) + prng.pick(ODD_TEXTS) + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + String.fromCharCode(prng.int(32, 126)) + text.slice(at + 1);
        break;
      case 3:
        text = text.slice(0, end) + text.slice(at);
        break;
      default:
        text = prng.chance(0.1)
          ? text.slice(0, at)
          : text.slice(0, at) + prng.pick(ODD_TEXTS) + text.slice(end);
    }
  }
  return text;
}

/** A copy of a value in which one or a few places hold something else. Both are plain JSON. */
export function mutateValue(prng: Prng, value: unknown): unknown {
  // A third of what `structuredClone` costs.
  const copy: unknown = JSON.parse(JSON.stringify(value));
  for (let times = prng.int(1, 2); times > 0; times--) mutatePlace(prng, copy);
  return copy;
}

function mutatePlace(prng: Prng, root: unknown): void {
  let node = root;
  while (true) {
    if (typeof node !== "object" || node === null) return;
    const names = Object.keys(node);
    if (names.length === 0) return;
    const holder = node as Record<string, unknown>;
    const name = prng.pick(names);
    const inner = holder[name];
    if (typeof inner === "object" && inner !== null && prng.chance(0.7)) {
      node = inner;
      continue;
    }
    return change(prng, holder, name);
  }
}

function change(prng: Prng, holder: Record<string, unknown>, name: string): void {
  const inner = holder[name];
  switch (prng.int(0, 5)) {
    case 0:
      holder[name] = structuredClone(prng.pick(ODD_VALUES));
      return;
    case 1:
      if (Array.isArray(holder)) holder.splice(Number(name), 1);
      else delete holder[name];
      return;
    case 2:
      if (Array.isArray(holder)) holder.push(structuredClone(inner));
      else holder[name + prng.pick(["", "x", "s"])] = structuredClone(prng.pick(ODD_VALUES));
      return;
    case 3:
      holder[name] = typeof inner === "string" ? mutateText(prng, inner) : [inner];
      return;
    case 4:
      holder[name] = typeof inner === "number" ? inner + prng.pick([-1, 1, 0.5, 2 ** 40]) : prng.hex(32);
      return;
    default:
      holder[name] = typeof inner === "string" ? inner.toUpperCase() : JSON.stringify(inner);
  }
}
