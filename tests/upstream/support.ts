/**
 * What tests of upstream relays share: the API as an admin, and notes.
 * Runs on a test's thread; holds the number of the last note.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { TestClient } from "../support/client.ts";
import type { TestRelay } from "../support/relay.ts";
import { type EventTemplate, signEvent, type TestEvent, testKey } from "../support/sign.ts";

const TOKEN = "token of the test";
/** Settings of a relay that calls relays of this machine, and lets the test ask its API. */
export const ALLOWED = { UPSTREAM_ALLOW: "127.0.0.1", API_TOKEN: TOKEN };

/** One relay as `/api/relays` shows it. */
export interface ShownRelay {
  readonly url: string;
  readonly status: string;
  readonly failure: string;
  readonly failureText: string;
  readonly nextTryAt: number;
  readonly sources: readonly string[];
  readonly received: number;
  readonly added: number;
  readonly duplicates: number;
  readonly invalid: number;
  readonly sent: number;
  readonly accepted: number;
}

/** Asks a page of the API as an admin. */
export async function ask<Answer>(
  relay: TestRelay,
  path: string,
  { method = "GET", body }: { readonly method?: string; readonly body?: unknown } = {},
): Promise<Answer> {
  const response = await fetch(`${relay.httpUrl}${path}`, {
    method,
    headers: { Authorization: `Bearer ${TOKEN}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return await response.json();
}

/** The relays of the API, by URL. */
export async function shown(relay: TestRelay): Promise<Map<string, ShownRelay>> {
  const { relays } = await ask<{ relays: ShownRelay[] }>(relay, "/api/relays");
  return new Map(relays.map((one) => [one.url, one]));
}

/** Publishes events, all of which have to be accepted. */
export async function publishAll(client: TestClient, events: readonly TestEvent[]): Promise<void> {
  const oks = await Promise.all(events.map((event) => client.publish(event)));
  for (const ok of oks) assert(ok[2], ok[3]);
}

/** Whether the relay has all of these events. */
export async function has(client: TestClient, events: readonly TestEvent[]): Promise<boolean> {
  const { events: found } = await client.query({ ids: events.map(({ id }) => id) });
  return found.length === events.length;
}

let lastNote = 0;
/** So many notes, each another one. */
export function notes(count: number, fields: EventTemplate = {}): TestEvent[] {
  return Array.from(
    { length: count },
    () => signEvent(testKey(1), { content: `note ${++lastNote}`, ...fields }),
  );
}
