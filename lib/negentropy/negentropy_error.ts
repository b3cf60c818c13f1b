/**
 * The other party's mistake in a negentropy message. Runs on any thread; no state.
 *
 * @module
 */

/** A message that breaks the protocol, or asks for more than a session may. The session is over. */
export class NegentropyError extends Error {
  override name = "NegentropyError";
}
