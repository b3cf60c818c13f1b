/**
 * Whether an event's text meets conditions on its tags. The content is not read, which is what is long in most long texts.
 * Runs on any thread; no state.
 *
 * @module
 */
import { SCAN_SOUGHT_VALUES_MAX } from "../../limits.ts";
import { ChosenTexts } from "../../nostr/chosen_texts.ts";
import type { TagCondition } from "../../nostr/filter.ts";
import { holdsTag, tagsOf, tagsPart, tagStart } from "../../nostr/exact.ts";

/** A condition on tags: one with this letter has one of the values. */
export interface TagValues {
  readonly letter: string;
  readonly values: Pick<ReadonlySet<string>, "has">;
}

/** A filter's conditions on tags, ready for {@linkcode holdsConditions}. */
export interface SoughtTags {
  readonly tags: readonly TagValues[];
  readonly tagStarts: readonly (readonly string[])[] | null;
}

/** Makes conditions ready, once for many texts. */
export function soughtTags(tags: readonly TagCondition[]): SoughtTags {
  const values = tags.reduce((sum, { values }) => sum + values.length, 0);
  return {
    tags: tags.map(({ letter, values }) => ({ letter, values: new ChosenTexts(values) })),
    tagStarts: values > SCAN_SOUGHT_VALUES_MAX
      ? null
      : tags.map(({ letter, values }) => values.map((value) => tagStart(letter, value))),
  };
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
