/**
 * An HTTP proxy in front of a real OpenSearch that is slow, refuses, or fails single items of a bulk, as a test says.
 * Runs on a test's thread; a proxy belongs to the test that made it.
 *
 * @module
 */

/** What happens to a request instead of being passed on, or to the answer that OpenSearch gave. */
interface Faults {
  /** How long each answer is held back, ms. */
  delayMs: number;
  /** Bulk calls are refused as a whole: 429, as by a node without room in its queue. */
  refusesBulks: boolean;
  /** Which items of a bulk fail, by document, and with which status; they are not passed on. */
  failingItem: (id: string) => number | null;
}

/** See the module's text. `await using` ends it. */
export class FaultyOpenSearch implements AsyncDisposable {
  readonly url: string;
  faults: Faults = noFaults();
  /** Bulk calls that came. */
  bulks = 0;
  /** How often the relay looked at its index. */
  looks = 0;
  readonly #target: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** Ends the delays of those who wait. */
  readonly #ending = new AbortController();

  /** @param target The node, e.g. `http://127.0.0.1:9200`. */
  constructor(target: string) {
    this.#target = target;
    const options = {
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      onError: () => refusal(502, "no_answer"),
    };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** From now on all is well; who waits still waits. */
  heal(): void {
    this.faults = noFaults();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const body = request.body === null ? null : await request.text();
    const isBulk = pathname.endsWith("/_bulk");
    if (isBulk) this.bulks++;
    if (pathname.startsWith("/_cat/indices/")) this.looks++;
    // What is slow has done its work all the same.
    const response = isBulk && this.faults.refusesBulks
      ? refusal(429, "rejected_execution_exception")
      : isBulk
      ? await this.#bulk(pathname + search, body!)
      : await this.#pass(request.method, pathname + search, body);
    if (this.faults.delayMs > 0) await this.#delay(this.faults.delayMs);
    return response;
  }

  async #pass(method: string, path: string, body: string | null): Promise<Response> {
    const type = path.includes("/_bulk") ? "application/x-ndjson" : "application/json";
    const response = await fetch(this.#target + path, {
      method,
      headers: { "content-type": type },
      ...(body === null || body === "" ? {} : { body }),
    });
    return new Response(await response.text(), {
      status: response.status,
      headers: { "content-type": response.headers.get("content-type") ?? "application/json" },
    });
  }

  /** Passes on the items that do not fail, and puts the failures of the others between their answers. */
  async #bulk(path: string, body: string): Promise<Response> {
    const lines = body.trimEnd().split("\n");
    const items: { verb: string; status: number | null }[] = [];
    let passed = "";
    for (let at = 0; at < lines.length; at++) {
      const [verb, { _id }] = Object.entries(JSON.parse(lines[at]!))[0] as [string, { _id: string }];
      const source = verb === "index" ? `${lines[++at]}\n` : "";
      const status = this.faults.failingItem(_id);
      items.push({ verb, status });
      if (status === null) passed += `{"${verb}":{"_id":"${_id}"}}\n${source}`;
    }
    if (items.every(({ status }) => status === null)) return await this.#pass("POST", path, body);
    const answer = passed === "" ? { items: [] } : await (await this.#pass("POST", path, passed)).json();
    if (!Array.isArray(answer.items)) return Response.json(answer, { status: answer.status ?? 500 });
    const others = answer.items[Symbol.iterator]();
    return Response.json({
      items: items.map(({ verb, status }) =>
        status === null
          ? others.next().value
          : { [verb]: { status, error: { type: "made_by_the_test", reason: "this item fails" } } }
      ),
    });
  }

  #delay(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#ending.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
    return promise;
  }
}

function noFaults(): Faults {
  return { delayMs: 0, refusesBulks: false, failingItem: () => null };
}

function refusal(status: number, type: string): Response {
  return Response.json({ error: { type, reason: "made by the test" }, status }, { status });
}
