/**
 * Whether an event's text meets conditions on its tags. The content is not read, which is what is long in most long texts.
 * Runs on any thread; no state.
 *
 * @module
 */
import { holdsTag, tagsOf, tagsPart } from "./exact.ts";

/** A condition on tags: one with this letter has one of the values. */
export interface TagValues {
  readonly letter: string;
  readonly values: ReadonlySet<string>;
}

/**
 * Whether all conditions hold.
 *
 * @param starts For each condition how a tag of each value begins (`tagStart`), where these are few enough to be sought
 * one by one; else null.
 */
export function holdsConditions(
  text: string,
  conditions: readonly TagValues[],
  starts: readonly (readonly string[])[] | null,
): boolean {
  if (starts !== null) {
    const tags = tagsPart(text);
    return starts.every((anyOf) => anyOf.some((start) => holdsTag(tags, start)));
  }
  const present = valuesByLetter(text);
  return conditions.every(({ letter, values }) => {
    const held = present.get(letter);
    // Looks through the smaller one of both.
    return held !== undefined && !held.isDisjointFrom(values);
  });
}

function valuesByLetter(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const present = new Map<string, Set<string>>();
  for (const [name, value] of tagsOf(text)) {
    if (name === undefined || value === undefined || name.length !== 1) continue;
    const values = present.get(name);
    if (values === undefined) present.set(name, new Set([value]));
    else values.add(value);
  }
  return present;
}
