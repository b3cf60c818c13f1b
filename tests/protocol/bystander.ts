/**
 * Somebody who uses the relay while others misuse it. Runs on a test's thread; a bystander belongs to its test.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { connect, type TestClient } from "../support/client.ts";
import type { TestRelay } from "../support/relay.ts";
import { signEvent } from "../support/sign.ts";
import { freshKey, nextEvent, store, untilEose } from "./shared_relay.ts";

/** A client whose subscription must go on, whatever others send. */
export class Bystander implements AsyncDisposable {
  readonly #key = freshKey();
  readonly #client: TestClient;

  constructor(client: TestClient) {
    this.#client = client;
  }

  /** Connects to the relay and subscribes. */
  static async join(relay: TestRelay): Promise<Bystander> {
    const bystander = new Bystander(await connect(relay.url));
    bystander.#client.send(["REQ", "by", { authors: [bystander.#key.pubkey] }]);
    await untilEose(bystander.#client, "by");
    return bystander;
  }

  /** Publishes, and fails unless the event comes back live and nothing else does. */
  async isServed(): Promise<void> {
    const event = signEvent(this.#key, { content: crypto.randomUUID() });
    await store(this.#client, event);
    assertEquals(await nextEvent(this.#client, "by"), event);
    assertEquals(this.#client.inbox, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}
