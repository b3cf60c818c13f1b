/**
 * What a plugin answers: one line of JSON, `{"id","action","msg"}` (strfry, docs/plugins.md).
 * Runs on any thread; no state.
 *
 * @module
 */
import { OUTCOME_MESSAGE_BYTES_MAX } from "../limits.ts";

/** What is to become of the event or the request. */
export type Decision =
  | { readonly action: "accept" }
  | {
    readonly action: "reject";
    /** The text of an `OK false` or CLOSED, prefix included. */
    readonly message: string;
    /** Who refuses: the plugin, or the relay because the plugin failed or is behind. */
    readonly by: "plugin" | "relay";
    /** Whether the plugin gave no reason: then nothing is logged either (strfry's rule). */
    readonly quiet: boolean;
  }
  /** The client is told that all is well, and nothing is stored. */
  | { readonly action: "shadowReject" };

/** The answer where the plugin failed: nothing passes unseen. */
export const PLUGIN_FAILED: Decision = {
  action: "reject",
  message: "error: internal error",
  by: "relay",
  quiet: true,
};
/** The answer where too many requests wait for the plugin. */
export const PLUGIN_BUSY: Decision = {
  action: "reject",
  message: "rate-limited: the relay's policy is busy, try again later",
  by: "relay",
  quiet: true,
};

/** A plugin broke the protocol; it is not trusted any further. */
export class PluginFault extends Error {
  override name = "PluginFault";
}

/** A line that was read. */
interface PluginReply {
  readonly id: string;
  readonly decision: Decision;
}

/**
 * Reads a line.
 *
 * @returns null where it is not JSON: then it is passed over.
 * @throws {PluginFault} where it is JSON and no answer.
 */
export function readReply(line: string): PluginReply | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) throw new PluginFault("its answer is not an object");
  const { id, action, msg } = value as Record<string, unknown>;
  if (typeof id !== "string") throw new PluginFault("its answer has no id");
  if (msg !== undefined && msg !== null && typeof msg !== "string") {
    throw new PluginFault("the msg of its answer is not a string");
  }
  return { id, decision: readAction(action, msg ?? "") };
}

function readAction(action: unknown, msg: string): Decision {
  if (action === "accept" || action === "shadowReject") return { action };
  if (action === "reject") {
    return { action, message: refusalText(msg), by: "plugin", quiet: msg === "" };
  }
  throw new PluginFault(`its answer has the unknown action ${JSON.stringify(action)?.slice(0, 40)}`);
}

/** The text of an `OK false` or CLOSED for a reason: it needs a prefix (NIP-01), and plugins often give none. */
export function refusalText(msg: string): string {
  if (msg === "") return "blocked: not accepted by this relay";
  const whole = /^[a-z][a-z-]{1,30}: /.test(msg) ? msg : `blocked: ${msg}`;
  return withinBytes(whole, OUTCOME_MESSAGE_BYTES_MAX);
}

function withinBytes(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax) return text;
  const room = new Uint8Array(bytesMax);
  // `read` stops before a character that does not fit, so that none is cut in half.
  const { read } = new TextEncoder().encodeInto(text, room);
  return text.slice(0, read);
}
