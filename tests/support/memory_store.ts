/**
 * A store in memory, for tests of engines that read one.
 * Runs on a test's thread; the caller owns the database.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { NostrEvent } from "../../lib/nostr/event.ts";
import { migrate } from "../../lib/store/keep/schema.ts";
import { EventStore } from "../../lib/store/write/event_store.ts";
import { packed } from "./pack_event.ts";

/** A database that holds these events, in their order. */
export function memoryStore(...events: readonly NostrEvent[]): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const store = new EventStore(db);
  store.begin();
  for (const event of events) store.add(packed(event));
  store.commit();
  return db;
}
