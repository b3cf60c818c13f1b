/**
 * Requests and answers of the management interface (NIP-86), from text to text. Who may call was checked before.
 * Runs on the thread that owns the {@linkcode ManagementState}; no state of its own.
 *
 * @module
 */
import { MANAGEMENT_BODY_BYTES_MAX } from "../limits.ts";
import { ManagementError } from "./management_state.ts";
import { type ManagementContext, type Method, METHODS } from "./methods.ts";

/** The `Content-Type` of requests and answers. */
export const MANAGEMENT_CONTENT_TYPE = "application/nostr+json+rpc";

/** An answer over HTTP. */
export interface ManagementReply {
  /** 400 for what is no request; what a method refuses is an answer, and 200. */
  readonly status: 200 | 400;
  /** `{"result":…}` or `{"error":"…"}`. */
  readonly body: string;
  /** The method that did something, for the log, or null. */
  readonly method: string | null;
}

/** Whether a header names the content type, whatever its parameters. */
export function isManagementContentType(header: string | null): boolean {
  const [type = ""] = (header ?? "").split(";");
  return type.trim().toLowerCase() === MANAGEMENT_CONTENT_TYPE;
}

/** Answers one request. Only mistakes of our own are thrown. */
export function answerManagement(body: string, context: ManagementContext): ManagementReply {
  try {
    const { name, params } = readRequest(body);
    const method = findMethod(name, context);
    try {
      const result = method.run(context, readParameters(name, method, params));
      return { status: 200, body: JSON.stringify({ result }), method: name };
    } catch (error) {
      if (!(error instanceof ManagementError)) throw error;
      return refusal(200, error);
    }
  } catch (error) {
    if (!(error instanceof ManagementError)) throw error;
    return refusal(error instanceof UnknownMethodError ? 200 : 400, error);
  }
}

class UnknownMethodError extends ManagementError {
  override name = "UnknownMethodError";
}

function refusal(status: 200 | 400, error: ManagementError): ManagementReply {
  return { status, body: JSON.stringify({ error: error.message }), method: null };
}

function readRequest(body: string): { readonly name: string; readonly params: readonly unknown[] } {
  // Bytes are bounded where they are read; this bounds what is parsed, whoever calls.
  if (body.length > MANAGEMENT_BODY_BYTES_MAX) {
    throw new ManagementError(`Cannot read request: it is longer than ${MANAGEMENT_BODY_BYTES_MAX} bytes`);
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new ManagementError("Cannot read request: it is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ManagementError("Cannot read request: it is not an object");
  }
  const { method, params = [] } = value as Record<string, unknown>;
  if (typeof method !== "string") {
    throw new ManagementError("Cannot read request: its method is not a string");
  }
  if (!Array.isArray(params)) throw new ManagementError("Cannot read request: its params are not an array");
  return { name: method, params };
}

function findMethod(name: string, { disabled }: ManagementContext): Method {
  const method = Object.hasOwn(METHODS, name) && !disabled.has(name) ? METHODS[name] : undefined;
  if (method === undefined) {
    throw new UnknownMethodError(`Cannot call method "${name.slice(0, 64)}": there is none of this name`);
  }
  return method;
}

function readParameters(name: string, method: Method, params: readonly unknown[]): unknown[] {
  const { parameters } = method;
  if (params.length > parameters.length) {
    const most = parameters.length === 0 ? "no parameters" : `at most ${parameters.length} parameters`;
    throw new ManagementError(`Cannot call method "${name}": it takes ${most}, not ${params.length}`);
  }
  return parameters.map((parameter, at) => {
    const given = params[at];
    if (given === undefined || given === null) {
      if (parameter.missing !== undefined) return parameter.missing;
      throw new ManagementError(`Cannot read parameter ${at + 1} of "${name}": it is missing`);
    }
    const value = parameter.read(given);
    if (value !== undefined) return value;
    throw new ManagementError(`Cannot read parameter ${at + 1} of "${name}": it is not ${parameter.what}`);
  });
}
