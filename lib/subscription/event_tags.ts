/**
 * The tags of the event that is being matched, as conditions ask for them: by key, which is quick, and by text, which
 * decides. What an event costs does not depend on how its keys were chosen: keys are sorted, not hashed, and after a few
 * looks into the text its tags are read once for all.
 * A gateway's thread owns it, within its `SubscriptionIndex`; one serves all events, one after another.
 *
 * @module
 */
import { SortedKeys } from "../nostr/sorted_keys.ts";
import { eventOf, holdsQuoted } from "../nostr/exact.ts";

/** An event as the tail brings it: keys, and the text. */
export interface LiveEvent {
  readonly kind: number;
  readonly createdAt: number;
  readonly idKey: number;
  readonly pubkeyKey: number;
  readonly tagKeys: readonly number[];
  readonly text: string;
}

/** Up to so many keys are compared one by one. */
const FEW = 8;
/** Values that are looked for in the text before its tags are read. */
const LOOKS_MAX = 16;

/** See the module's text. */
export class EventTags {
  #event: LiveEvent | null = null;
  #sorted: SortedKeys | null = null;
  #texts: ReadonlySet<string> | null = null;
  #looks = 0;
  /** The last question, and its answer: many subscriptions ask the same. */
  #letter = "";
  #value = "";
  #answer = false;

  /** Turns to an event; null: to none, so that nothing is kept of the last. */
  use(event: LiveEvent | null): void {
    this.#event = event;
    this.#sorted = this.#texts = null;
    this.#looks = 0;
    this.#letter = this.#value = "";
  }

  /** Whether some tag has the key. */
  hasKey(key: number): boolean {
    const { tagKeys } = this.#event!;
    if (tagKeys.length <= FEW) return tagKeys.includes(key);
    return (this.#sorted ??= new SortedKeys(tagKeys)).has(key);
  }

  /** Whether the tag is there, by a letter and a value whose key is that of some tag. */
  has(letter: string, value: string): boolean {
    if (letter === this.#letter && value === this.#value) return this.#answer;
    this.#letter = letter;
    this.#value = value;
    return this.#answer = this.#look(letter, value);
  }

  #look(letter: string, value: string): boolean {
    const { text } = this.#event!;
    if (this.#texts === null && this.#looks++ < LOOKS_MAX) return holdsQuoted(text, JSON.stringify(value));
    this.#texts ??= tagTextsOf(text);
    return this.#texts.has(letter + value);
  }
}

/** First values, each behind the letter of its tag: so none is an array index, which V8 would hash without a seed. */
function tagTextsOf(text: string): ReadonlySet<string> {
  const texts = new Set<string>();
  for (const [letter, value] of eventOf(text).tags) {
    if (letter?.length === 1 && value !== undefined) texts.add(letter + value);
  }
  return texts;
}
