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
  readonly values: Pick<ReadonlySet<string>, "has">;
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
  const open = new Set(conditions);
  for (const [name, value] of tagsOf(text)) {
    if (value === undefined) continue;
    for (const condition of open) {
      if (condition.letter === name && condition.values.has(value)) open.delete(condition);
    }
    if (open.size === 0) return true;
  }
  return false;
}
