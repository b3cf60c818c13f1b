/**
 * Paths of pages with parameters, such as `/api/subscriptions/:bot`.
 * Runs on any thread; no state.
 *
 * @module
 */

/** A path's parameters by their names, as they stand in the path. */
export type PathParameters = Readonly<Record<string, string>>;

/**
 * The parameters of a path that a pattern fits; null: it does not.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pathParameters } from "./path_pattern.ts";
 *
 * assertEquals(pathParameters("/api/bots/:bot", "/api/bots/ab"), { bot: "ab" });
 * assertEquals(pathParameters("/api/bots/:bot", "/api/bots/"), null);
 * ```
 */
export function pathParameters(pattern: string, path: string): PathParameters | null {
  if (!pattern.includes(":")) return pattern === path ? {} : null;
  const [names, values] = [pattern.split("/"), path.split("/")];
  if (names.length !== values.length) return null;
  const parameters: Record<string, string> = {};
  for (const [at, name] of names.entries()) {
    const value = values[at]!;
    if (!name.startsWith(":")) {
      if (name !== value) return null;
    } else if (value === "") return null;
    else parameters[name.slice(1)] = value;
  }
  return parameters;
}
