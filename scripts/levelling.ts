/**
 * What a sync sends to the other relay, and what it takes from it, counted.
 * Runs in the process of a command.
 *
 * @module
 */
import type { Batch } from "../lib/upstream/batch.ts";
import type { Difference } from "../lib/upstream/stream_reads.ts";
import type { OpenConversation } from "../runtime/open_conversation.ts";
import type { EventFeed } from "./event_feed.ts";
import type { StoredEvents } from "./stored_events.ts";
import type { Progress } from "./progress.ts";

/** Events that were sent up and are not answered. */
const UP_UNANSWERED_MAX = 50;

/** See the module's text. */
export class Levelling {
  readonly #opened: OpenConversation;
  readonly #own: StoredEvents;
  readonly #isWanted: (text: string) => boolean;
  readonly feed: EventFeed;
  readonly #progress: Progress;
  /** Events that are still to be sent and fetched. */
  #remaining = { up: 0, down: 0 };
  up = 0;
  down = 0;
  refusedUp = 0;
  withheld = 0;

  constructor(
    opened: OpenConversation,
    own: StoredEvents,
    options: { feed: EventFeed; progress: Progress; isWanted: (text: string) => boolean },
  ) {
    this.#opened = opened;
    this.#own = own;
    this.feed = options.feed;
    this.#progress = options.progress;
    this.#isWanted = options.isWanted;
  }

  expect({ have, need }: Difference): void {
    this.#remaining.up += have.length;
    this.#remaining.down += need.length;
  }

  async send(ids: readonly string[]): Promise<void> {
    const underWay = new Set<Promise<void>>();
    for (const id of ids) {
      while (underWay.size >= UP_UNANSWERED_MAX) await Promise.race(underWay);
      const sent = this.#sendOne(id);
      underWay.add(sent);
      sent.finally(() => underWay.delete(sent)).catch(() => {});
    }
    await Promise.all(underWay);
  }

  async #sendOne(id: string): Promise<void> {
    this.#remaining.up--;
    const text = this.#own.textOf(id);
    if (text === null || !this.#isWanted(text)) return void this.withheld++;
    const { accepted, message } = await this.#opened.conversation.publish(text, id);
    this.up++;
    this.#tell();
    if (accepted || message.startsWith("duplicate:")) return;
    this.refusedUp++;
    this.#progress.say(`Unable to upload event ${id}: ${message}`);
  }

  /** Passes an event on that has come; it is settled when the import has taken it. */
  take(text: string, batch: Batch): void {
    const settle = batch.add();
    this.#remaining.down--;
    this.feed.add(text).then(() => {
      this.down++;
      this.#tell();
      settle(true);
    }, () => settle(false));
  }

  #tell(): void {
    const { up, down } = this.#remaining;
    this.#progress.tell(
      this.up + this.down,
      `UP: ${this.up} events (${up} remaining)  DOWN: ${this.down} events (${down} remaining)`,
    );
  }
}
