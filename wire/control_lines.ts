/**
 * What is said on the control socket, between a running relay and `deno task import`: lines of JSON.
 * The client sends one {@linkcode ImportRequest}, then an event a line, then ends its side; the relay answers with
 * {@linkcode ImportReport}s, the last of which says `done`. Any thread; no state.
 *
 * @module
 */
import { UPSTREAM_URL_CHARS_MAX } from "../lib/limits.ts";
import type { Death } from "../lib/queue/fault_injection.ts";
import type { Actor } from "./actors.ts";

const encoder = new TextEncoder();

/** The first line. */
export interface ImportRequest {
  readonly command: "import";
  /** False takes signatures for granted; ids are checked all the same. */
  readonly verify: boolean;
  /** False takes events of any size that fits a frame. */
  readonly limits: boolean;
  /** The URL of the relay that has sent the events, which makes them upstream's; empty: they are the operator's. */
  readonly address: string;
}

/**
 * In place of an import: has a worker die in the middle of its next work, so that operators and tests can see another
 * one take its place. Whoever may write to the socket may end the whole process anyway.
 */
export interface CrashRequest {
  readonly command: "crash";
  readonly actor: Actor;
  /** Which of its kind. */
  readonly index: number;
  /** How; "error" when it is missing. */
  readonly death?: Death;
}

/**
 * In place of an import: another process has its own sockets on the port and takes over. This relay drains and ends, a
 * moment after it has answered with a {@linkcode HandOverReply}.
 */
export interface HandOverRequest {
  readonly command: "hand-over";
}

/** The answer to a {@linkcode HandOverRequest}. */
export interface HandOverReply {
  /** Sockets with which this relay listens. */
  readonly listeners: number;
}

/** What is asked in place of an import. */
export type ControlRequest = CrashRequest | HandOverRequest;

/** A line that was refused. */
export interface NamedRefusal {
  /** The line's number in the input, from 1 on; null where the answer does not tell which line it is about. */
  readonly line: number | null;
  /** The event's, hex, or what stands in its place; empty where none was found. */
  readonly id: string;
  readonly reason: string;
}

/** How far an import is. Every event read is counted in exactly one of the others, once it is answered. */
export interface ImportReport {
  readonly read: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly refused: number;
  /** The reasons of refusals, with how often each was given; the rarest are left out. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Refusals since the report before, as long as fewer than `IMPORT_REFUSALS_NAMED_MAX` of the import are named. */
  readonly refusals: readonly NamedRefusal[];
  /** All lines up to this one are answered, by their numbers: stored, there already, or refused. */
  readonly answeredLines: number;
  readonly done: boolean;
}

/** What the relay says. */
export type ControlAnswer = ImportReport | HandOverReply | { readonly error: string };

/**
 * Reads the first line.
 *
 * @throws {SyntaxError} if it is no JSON.
 * @throws {Error} if it asks for something unknown.
 */
export function readRequest(line: string): ImportRequest | ControlRequest {
  const request = JSON.parse(line) as Partial<ImportRequest> | ControlRequest;
  if (request.command === "crash" || request.command === "hand-over") return request;
  if (request.command !== "import") {
    throw new Error(`Cannot serve command "${request.command}": import is known`);
  }
  return {
    command: "import",
    verify: request.verify !== false,
    limits: request.limits !== false,
    address: typeof request.address === "string" ? request.address.slice(0, UPSTREAM_URL_CHARS_MAX) : "",
  };
}

/** Writes an answer, its end of line included. */
export function writeAnswer(answer: ControlAnswer): Uint8Array {
  return encoder.encode(JSON.stringify(answer) + "\n");
}
