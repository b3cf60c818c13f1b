/**
 * The connection to OpenSearch: the official client behind one function that always ends, in an answer or in a
 * `SearchUnavailableError` with the reason. Repeating is the caller's choice, so the client itself never repeats.
 * Belongs to the thread that opened it.
 *
 * @module
 */
import { Client } from "@opensearch-project/opensearch";
import { OPENSEARCH_TIMEOUT_MS, SEARCHES_UNANSWERED_MAX } from "../../limits.ts";
import { SearchUnavailableError } from "../search_index.ts";

/** Where OpenSearch is, and how to speak to it. */
export interface ConnectionOptions {
  /** `http` or `https`; a user and a password in it count unless given apart. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  /** The authority that signed the server's certificate, PEM text; the system's authorities by default. */
  readonly ca?: string;
  /** False accepts any certificate. For tests and for networks that are trusted otherwise. */
  readonly rejectUnauthorized?: boolean;
  /** The longest wait for an answer, ms; `OPENSEARCH_TIMEOUT_MS` by default. */
  readonly timeoutMs?: number;
}

/** One request. */
interface OpenSearchRequest {
  /** For messages: what the request is for, after "Cannot". */
  readonly purpose: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** JSON, or the lines of a bulk as text. */
  readonly body?: object | string;
  /** A status that is an answer and no failure; the answer is then null. */
  readonly unless?: 404;
  readonly timeoutMs?: number;
}

/** OpenSearch answered, with a status that is a failure. */
export class OpenSearchRefusal extends SearchUnavailableError {
  override name = "OpenSearchRefusal";

  constructor(message: string, readonly status: number, readonly type: string, cause: unknown) {
    super(message, { cause });
  }
}

/** Asks one OpenSearch. */
export class OpenSearchConnection {
  /** The address, without credentials. */
  readonly address: string;
  readonly #client: Client;
  readonly #timeoutMs: number;

  constructor(options: ConnectionOptions) {
    const url = new URL(options.url);
    const username = options.user ?? decodeURIComponent(url.username);
    const password = options.password ?? decodeURIComponent(url.password);
    url.username = url.password = "";
    this.address = url.href.replace(/\/$/, "");
    this.#timeoutMs = options.timeoutMs ?? OPENSEARCH_TIMEOUT_MS;
    const secure = url.protocol === "https:";
    this.#client = new Client({
      node: this.address,
      maxRetries: 0,
      // There is one address; whether it answers is found out by asking it.
      resurrectStrategy: "none",
      agent: { maxSockets: SEARCHES_UNANSWERED_MAX },
      ...(username === "" ? {} : { auth: { username, password } }),
      ...(secure ? { ssl: tlsOptions(options) } : {}),
    });
  }

  /**
   * Sends one request and returns the answer's JSON, which the caller knows the shape of.
   *
   * @throws {OpenSearchRefusal} for a status of 400 or more
   * @throws {SearchUnavailableError} if no answer came in time
   */
  async ask<Answer>(request: OpenSearchRequest): Promise<Answer> {
    const { method, path, query = {}, body, timeoutMs = this.#timeoutMs } = request;
    const sent = this.#client.transport.request({
      method,
      path,
      querystring: query,
      ...(typeof body === "string" ? { bulkBody: body } : body && { body }),
    }, { requestTimeout: timeoutMs, ignore: request.unless ? [request.unless] : [] });
    // The client's own timer watches the socket until the answer begins; this one bounds the whole answer.
    const deadline = AbortSignal.timeout(timeoutMs);
    const late = Promise.withResolvers<never>();
    deadline.onabort = () => {
      late.reject(new Error(`no answer within ${timeoutMs} ms`));
      sent.abort();
    };
    try {
      const { body, statusCode } = await Promise.race([sent, late.promise]);
      if (statusCode === request.unless) return null as Answer;
      if (typeof body !== "object" || body === null) throw new Error("the answer is not OpenSearch's");
      return body as Answer;
    } catch (error) {
      throw unavailable(`Cannot ${request.purpose} at "${this.address}"`, error);
    } finally {
      deadline.onabort = null;
      // Whatever an aborted request still says has no reader.
      sent.catch(() => {});
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

function tlsOptions(options: ConnectionOptions): { ca?: string; rejectUnauthorized?: boolean } {
  return {
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
  };
}

function unavailable(what: string, error: unknown): SearchUnavailableError {
  const { statusCode, body, message } = error as {
    readonly statusCode?: number;
    readonly body?: { readonly error?: { readonly type?: string; readonly reason?: string } };
    readonly message: string;
  };
  if (typeof statusCode !== "number") {
    return new SearchUnavailableError(`${what}: ${message}`, { cause: error });
  }
  const { type = "", reason = "" } = body?.error ?? {};
  return new OpenSearchRefusal(
    `${what}: status ${statusCode} ${type} ${reason}`.trimEnd(),
    statusCode,
    type,
    error,
  );
}
