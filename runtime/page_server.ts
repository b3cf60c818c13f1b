/**
 * An actor's end of the pages that gateways pass on (`wire/pages.ts`): finds the route, has it answered, and bounds how
 * many are being answered. Who asks is told by the proof; what that key may do, the route decides.
 * The actor's thread owns it.
 *
 * @module
 */
import { API_PAGES_OPEN_MAX } from "../lib/limits.ts";
import { type PathParameters, pathParameters } from "../lib/path_pattern.ts";
import type { PageAnswered, PageAsked, PageReply } from "../wire/pages.ts";

/** A page of an actor. */
export interface ActorPage {
  readonly method: PageAsked["method"];
  /** Parameters begin with a colon: `/api/subscriptions/:bot`. */
  readonly path: string;
  /** What it throws becomes a 500, and a line of the log. */
  readonly answer: (asked: PageAsked, parameters: PathParameters) => PageReply | Promise<PageReply>;
}

/** A reply with a value as JSON. */
export function pageReply(value: unknown, status = 200, headers: PageReply["headers"] = {}): PageReply {
  return { status, body: JSON.stringify(value), headers };
}

/** See the module's text. */
export class PageServer {
  readonly #pages: readonly ActorPage[];
  readonly #failed: (error: unknown) => void;
  #open = 0;

  /** @param failed Takes what a page throws, for the log. */
  constructor(pages: readonly ActorPage[], failed: (error: unknown) => void) {
    this.#pages = pages;
    this.#failed = failed;
  }

  /** Answers a request by the port that it came from. */
  async receive(port: MessagePort, asked: PageAsked): Promise<void> {
    const reply = await this.#reply(asked);
    port.postMessage({ type: "page", number: asked.number, reply } satisfies PageAnswered);
  }

  async #reply(asked: PageAsked): Promise<PageReply> {
    if (this.#open >= API_PAGES_OPEN_MAX) {
      const error = `Cannot answer page "${asked.path}": ${this.#open} others are being answered`;
      return pageReply({ error }, 503, { "Retry-After": "1" });
    }
    this.#open++;
    try {
      return await this.#answer(asked);
    } catch (error) {
      this.#failed(error);
      return pageReply({ error: `Cannot answer page "${asked.path}": internal error` }, 500);
    } finally {
      this.#open--;
    }
  }

  #answer(asked: PageAsked): PageReply | Promise<PageReply> {
    for (const { method, path, answer } of this.#pages) {
      const parameters = method === asked.method ? pathParameters(path, asked.path) : null;
      if (parameters !== null) return answer(asked, parameters);
    }
    return pageReply({ error: `Cannot find page "${asked.path}": this relay does not have it` }, 404);
  }
}
