/**
 * One HTTP POST to a target, within bounds of time and of the answer's length. No redirect is followed: the operator has
 * named whom the relay sends to.
 * Runs on the router's thread; no state.
 *
 * @module
 */
import { retryAfterMs } from "../../lib/forward/retry.ts";
import { FORWARD_ANSWER_BYTES_MAX, FORWARD_ANSWER_MS_MAX } from "../../lib/limits.ts";

/** What became of it. */
export interface PostAnswer {
  /** The status; null: there was no answer. */
  readonly status: number | null;
  /** Why it is no success. */
  readonly reason: string;
  /** What `Retry-After` asks for, ms. */
  readonly retryAfterMs: number | null;
}

interface PostOptions {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly client: Deno.HttpClient;
  /** Aborted when the router stops. */
  readonly stop: AbortSignal;
}

/** Posts; what goes wrong is in the answer. */
export async function post(url: string, { headers, body, client, stop }: PostOptions): Promise<PostAnswer> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(FORWARD_ANSWER_MS_MAX)]);
  try {
    const response = await fetch(url, { method: "POST", headers, body, client, signal, redirect: "manual" });
    const text = await beginningOf(response);
    return {
      status: response.status,
      reason: `it answered ${response.status}${text === "" ? "" : `: ${text}`}`,
      retryAfterMs: retryAfterMs(response.headers.get("retry-after"), Date.now()),
    };
  } catch (error) {
    const isLate = (error as Error).name === "TimeoutError";
    const reason = isLate ? `it gave no answer within ${FORWARD_ANSWER_MS_MAX} ms` : (error as Error).message;
    return { status: null, reason, retryAfterMs: null };
  }
}

/** As much of the body as a reason needs. */
async function beginningOf(response: Response): Promise<string> {
  let bytes = 0;
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece.subarray(0, FORWARD_ANSWER_BYTES_MAX - bytes), { stream: true });
    bytes += piece.length;
    // Leaving the loop cancels the body.
    if (bytes >= FORWARD_ANSWER_BYTES_MAX) break;
  }
  return text.trim();
}
