/**
 * A file of streams that cannot be read, and where in it.
 * Runs on any thread; no state.
 *
 * @module
 */

/** The operator's mistake in a file of streams: whoever reads the file again stays with what was in force. */
export class RoutingError extends SyntaxError {
  override name = "RoutingError";
}

/** Makes the error of a place in a text, by its offset. */
export function errorAt(text: string, offset: number, state: string): RoutingError {
  return new RoutingError(`Cannot read streams, ${placeIn(text, offset)}: ${state}`);
}

/** Where an offset lies in a text. */
export function placeIn(text: string, offset: number): string {
  const before = text.slice(0, offset);
  return `line ${before.split("\n").length}, column ${offset - before.lastIndexOf("\n")}`;
}
