/**
 * A receiver of batches by HTTP, for tests: notes every post, and answers as the test says.
 * Runs on the test's thread; belongs to the test that made it.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import type { TestEvent } from "../support/sign.ts";

/** A post as it came. */
interface Received {
  readonly headers: Headers;
  readonly text: string;
  readonly events: TestEvent[];
  /** When it came, ms. */
  readonly atMs: number;
  /** Whether it was answered with success. */
  isTaken: boolean;
}

/** How to answer a post; nothing said: with 204. */
type Answer = (received: Received) => Response | Promise<Response> | undefined;

/** See the module's text. */
export class HttpReceiver implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly port: number;
  answer: Answer;
  #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: Answer = () => undefined, port = 0) {
    this.answer = answer;
    this.#server = this.#serve(port);
    this.port = this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** Ids of the events of all posts that were answered with success, in the order of arrival, repeats included. */
  get ids(): string[] {
    return this.received.filter(({ isTaken }) => isTaken).flatMap(({ events }) => events.map(({ id }) => id));
  }

  async stop(): Promise<void> {
    await this.#server.shutdown();
  }

  start(): void {
    this.#server = this.#serve(this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #serve(port: number): Deno.HttpServer<Deno.NetAddr> {
    return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
      const text = await request.text();
      const received: Received = {
        headers: request.headers,
        text,
        events: JSON.parse(text).events,
        atMs: performance.now(),
        isTaken: false,
      };
      this.received.push(received);
      const response = await this.answer(received) ?? new Response(null, { status: 204 });
      received.isTaken = response.ok;
      return response;
    });
  }
}

/** Whether the signature of a post is the secret's (Standard Webhooks). */
export function isSigned({ headers, text }: Received, secret: string): boolean {
  const signed = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${text}`;
  const signature = createHmac("sha256", secret).update(signed).digest("base64");
  return headers.get("webhook-signature") === `v1,${signature}`;
}

/** The ids in the order in which each came first. */
export function firstOnes(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}
