/**
 * How tests manage a relay (NIP-86), authorized by NIP-98.
 * Runs on a test file's thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { hash } from "node:crypto";
import { type EventTemplate, signEvent, type TestEvent, type TestKey } from "../support/sign.ts";

/** The content type of requests and answers. */
export const RPC_TYPE = "application/nostr+json+rpc";

/** What an answer is. */
interface RpcReply {
  readonly status: number;
  readonly body: { readonly result?: unknown; readonly error?: string };
}

/** The event that authorizes a POST of `body` to `url`; `changes` make it a wrong one. */
export function authorization(
  key: TestKey,
  url: string,
  body: string,
  changes: EventTemplate = {},
): TestEvent {
  const tags = [["u", url], ["method", "POST"], ["payload", hash("sha256", body, "hex")]];
  return signEvent(key, { kind: 27_235, tags, ...changes });
}

/** An event as the value of an `Authorization` header. */
export function headerOf(event: TestEvent): string {
  return `Nostr ${btoa(JSON.stringify(event))}`;
}

/** Posts a body with whatever authorizes it. */
export async function post(httpUrl: string, body: string, authorization?: string): Promise<RpcReply> {
  const response = await fetch(httpUrl, {
    method: "POST",
    headers: {
      "Content-Type": RPC_TYPE,
      ...(authorization !== undefined && { Authorization: authorization }),
    },
    body,
  });
  assertEquals(response.headers.get("content-type"), RPC_TYPE);
  return { status: response.status, body: await response.json() };
}

/** Calls a method, which must not be refused, and resolves with its result. */
export async function call(
  httpUrl: string,
  admin: TestKey,
  method: string,
  ...params: unknown[]
): Promise<unknown> {
  const body = JSON.stringify({ method, params });
  const reply = await post(httpUrl, body, headerOf(authorization(admin, httpUrl, body)));
  assertEquals([reply.status, reply.body.error], [200, undefined], body);
  return reply.body.result;
}
