/**
 * What a relay says of itself (NIP-11), read with doubt: every part may be absent or of the wrong type.
 * Runs in the process of the checker; no state.
 *
 * @module
 */

/** The answer to the request for the document. */
export interface Information {
  /** HTTP status; 0 if there was no answer. */
  readonly status: number;
  readonly headers: Headers;
  /** The document, or null if the answer was no JSON object. */
  readonly document: Readonly<Record<string, unknown>> | null;
  /** `supported_nips`, or null if the document has none. */
  readonly nips: ReadonlySet<number> | null;
  /** `limitation`, empty if the document has none. */
  readonly limitation: Readonly<Record<string, unknown>>;
}

/** Asks for the document. Never throws: no answer is an answer. */
export async function readInformation(httpUrl: string, answerMs: number): Promise<Information> {
  try {
    const response = await fetch(httpUrl, {
      // As a page of another site asks: some relays speak of CORS only then.
      headers: { Accept: "application/nostr+json", Origin: "https://client.example.com" },
      signal: AbortSignal.timeout(answerMs),
    });
    const document = objectOf(await response.text());
    const nips = Array.isArray(document?.supported_nips)
      ? new Set(document.supported_nips.map(Number))
      : null;
    const limitation = isObject(document?.limitation) ? document.limitation : {};
    return { status: response.status, headers: response.headers, document, nips, limitation };
  } catch {
    return { status: 0, headers: new Headers(), document: null, nips: null, limitation: {} };
  }
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Whether a value is an object of JSON. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
