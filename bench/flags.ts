/**
 * Command-line flags of the bench, read by the types of their defaults: `--events 10_000`, `--peers a,b`, `--ephemeral`.
 * Runs in the bench's own process.
 *
 * @module
 */
import { parseArgs } from "node:util";

/** The value of a flag that is not given; a list is written with commas, and a switch is off. */
type Default = number | string | boolean | readonly string[];

type Value<D extends Default> = D extends number ? number
  : D extends string ? string
  : D extends boolean ? boolean
  : string[];

/**
 * The values of all flags, by name.
 *
 * @throws {TypeError} for a flag without a default, a word that is no flag, and a value of the wrong type.
 */
export function readFlags<const Defaults extends Record<string, Default>>(
  words: readonly string[],
  defaults: Defaults,
): { [Name in keyof Defaults]: Value<Defaults[Name]> } {
  const options = Object.fromEntries(
    Object.entries(defaults).map((
      [name, value],
    ) => [name, { type: typeof value === "boolean" ? "boolean" : "string" } as const]),
  );
  const { values } = parseArgs({ args: [...words], options });
  const flags = Object.entries(defaults).map(([name, value]) => [name, read(name, values[name], value)]);
  return Object.fromEntries(flags);
}

function read(name: string, given: string | boolean | undefined, otherwise: Default): unknown {
  if (typeof given !== "string") return given ?? otherwise;
  if (typeof otherwise === "string") return given;
  if (typeof otherwise === "object") return given.split(",").filter((text) => text !== "");
  const value = Number(given.replaceAll("_", ""));
  if (!Number.isFinite(value) || value < 0) {
    throw new TypeError(`Cannot read --${name} "${given}": not a number`);
  }
  return value;
}
