/**
 * Something that can tell whether it holds a value: a `Set`, ranges of kinds, networks, a list that management changes.
 * Types only; any thread.
 *
 * @module
 */

/** See the module's text. */
export interface ValueSet<Value> {
  /** Where it is 0, nobody needs to ask. */
  readonly size?: number;
  has(value: Value): boolean;
}
