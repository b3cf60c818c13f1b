/**
 * Streams with real relays as upstreams: this one, and rust-nostr's LocalRelay. Our side of each stream is in memory, so
 * that what was fetched can be counted. Run on the test's thread; the relays belong to their tests.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { CallableTargets } from "../../lib/network/callable_targets.ts";
import { SortedVectorBuilder } from "../../lib/negentropy/sorted_vector.ts";
import { DownStream } from "../../lib/upstream/down_stream.ts";
import type { TimeRange } from "../../lib/upstream/gaps.ts";
import type { Place } from "../../lib/upstream/place_table.ts";
import { UNKNOWN_LIMITS } from "../../lib/upstream/polite_limits.ts";
import { UpStream } from "../../lib/upstream/up_stream.ts";
import { type OpenConversation, openConversation } from "../../runtime/open_conversation.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { ModelLog } from "../support/model_log.ts";
import { installNostrSdk, startLocalRelay } from "../support/nostr_sdk.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";

/** Events of a page: the relays are told so, and state so. */
const PAGE_EVENTS = 50;
const MS_MAX = 20_000;
const callable = new CallableTargets(["127.0.0.1"]);
const NOW = Math.floor(Date.now() / 1000);
const key = testKey(1);

let serial = 0;
function note(age: number): TestEvent {
  return signEvent(key, { content: `note ${++serial}`, created_at: NOW - age });
}

/** Our side of a stream that goes both ways. */
class OurSide {
  readonly events = new Map<string, TestEvent>();
  readonly log = new ModelLog();
  readonly url: string;
  place: Place | null = null;
  delivered = 0;
  #open: OpenConversation | null = null;
  down!: DownStream;
  up!: UpStream;

  constructor(url: string) {
    this.url = url;
  }

  /** @param compares Whether sets may be compared. */
  async connect(compares: boolean): Promise<void> {
    const limits = { ...UNKNOWN_LIMITS, limitMax: PAGE_EVENTS, reconciles: compares };
    this.#open = await openConversation(this.url, { callable, limits, keepsEchoes: true });
    const { conversation } = this.#open;
    this.delivered = 0;
    this.up = new UpStream({
      conversation,
      log: this.log,
      after: this.log.lastSeq,
      isWanted: () => true,
      cameFrom: (id) => conversation.cameFrom(id),
      approve: null,
      textOf: (id) => JSON.stringify(this.events.get(id)),
      nowSeconds: () => Date.now() / 1000,
    });
    this.down = new DownStream({
      conversation,
      filter: { kinds: [1] },
      place: this.place,
      note: (place) => this.place = place,
      deliver: (text, id, settle) => {
        this.delivered++;
        this.events.set(id, JSON.parse(text));
        settle(true);
      },
      isKnown: (id) => this.events.has(id),
      ownItems: (_, range) => Promise.resolve(this.#own(range)),
      offer: (ids) => this.up.offer(ids),
      nowSeconds: () => Date.now() / 1000,
      futureSeconds: 900,
    });
    this.down.start();
  }

  async disconnect(): Promise<void> {
    this.down.stop();
    this.up.stop();
    await this.#open?.close();
  }

  /** Waits until the stream is live and has these events. */
  async has(events: readonly TestEvent[]): Promise<void> {
    const isThere = () => events.every(({ id }) => this.events.has(id)) && this.down.state === "live";
    await eventually(isThere, MS_MAX, "the stream is live and has all");
  }

  #own({ since, until }: TimeRange) {
    const items = new SortedVectorBuilder();
    for (const { id, created_at } of this.events.values()) {
      if (created_at >= since && created_at <= until) items.addHex(created_at, id);
    }
    return { items: items.build(), since, release: () => {} };
  }
}

/** Has a relay store events, as another client of it. */
async function publish(url: string, events: readonly TestEvent[]): Promise<void> {
  const open = await openConversation(url, { callable });
  for (let at = 0; at < events.length; at += PAGE_EVENTS) {
    const part = events.slice(at, at + PAGE_EVENTS);
    const outcomes = await Promise.all(
      part.map((event) => open.conversation.publish(JSON.stringify(event), event.id)),
    );
    for (const { accepted, message } of outcomes) assertEquals([accepted, message], [true, ""]);
  }
  await open.close();
}

async function checkPeer(t: Deno.TestContext, url: string): Promise<void> {
  const side = new OurSide(url);
  // Ten share each second.
  const history = Array.from({ length: 230 }, (_, at) => note(10_000 + 100 * Math.floor(at / 10)));
  await publish(url, history);

  await t.step("all of the past comes in pages, and what is new comes live", async () => {
    await side.connect(false);
    await side.has(history);
    const live = [note(0), note(5_000_000)];
    await publish(url, live);
    await side.has(live);
    assertEquals(side.place?.gaps, []);
    await side.disconnect();
  });

  await t.step("after an absence little more than what is missing comes", async () => {
    const missed = Array.from({ length: 120 }, (_, at) => note(at));
    await publish(url, missed);
    await side.connect(false);
    await side.has(missed);
    assertEquals(side.delivered <= missed.length + 10, true, `${side.delivered} events came`);
    await side.disconnect();
  });

  await t.step(
    "where sets are compared, exactly what is missing comes, and what the relay lacks goes up",
    async () => {
      side.place = null;
      const missed = Array.from({ length: 130 }, (_, at) => note(20_000 + at));
      await publish(url, missed);
      const own = Array.from({ length: 40 }, (_, at) => note(30_000 + at));
      for (const event of own) side.events.set(event.id, event);
      await side.connect(true);
      await side.has(missed);
      assertEquals([side.down.comparisonFault, side.down.counts.byId], ["", missed.length]);
      assertEquals(side.up.counts.accepted, own.length);
      await side.disconnect();
      const other = new OurSide(url);
      await other.connect(false);
      await other.has(own);
      await other.disconnect();
    },
  );
}

Deno.test("streams of this relay miss nothing and fetch little twice", async (t) => {
  await using relay = await startRelay({ env: { MAX_LIMIT: String(PAGE_EVENTS) } });
  await checkPeer(t, relay.url);
});

const hasNostrSdk = await installNostrSdk();

Deno.test({
  name: "streams of rust-nostr's LocalRelay miss nothing and fetch little twice",
  ignore: !hasNostrSdk,
  fn: async (t) => {
    await using relay = await startLocalRelay(freePort(), PAGE_EVENTS);
    await checkPeer(t, relay.url);
  },
});
