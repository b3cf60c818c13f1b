/**
 * What is said on the control socket, between a running relay and `deno task import`: lines of JSON.
 * The client sends one {@linkcode ImportRequest}, then an event a line, then ends its side; the relay answers with
 * {@linkcode ImportReport}s, the last of which says `done`. Types only; any thread.
 *
 * @module
 */

/** The first line. */
export interface ImportRequest {
  readonly command: "import";
  /** False takes signatures for granted; ids are checked all the same. */
  readonly verify: boolean;
}

/** How far an import is. Every event read is counted in exactly one of the others, once it is answered. */
export interface ImportReport {
  readonly read: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly refused: number;
  /** The reasons of refusals, with how often each was given; the rarest are left out. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly done: boolean;
}
