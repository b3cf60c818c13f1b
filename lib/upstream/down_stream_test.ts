/** Tests of a stream that comes down, against a relay in memory: what is fetched, in which way, and what is noted when. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Habits, type ModelEvent, ModelRelay, Tasks } from "../../tests/support/model_relay.ts";
import { Prng } from "../../tests/support/prng.ts";
import { UPSTREAM_OVERLAP_SECONDS, UPSTREAM_SMALL_PAGES_MAX } from "../limits.ts";
import { SortedVectorBuilder } from "../negentropy/sorted_vector.ts";
import type { Settle } from "./batch.ts";
import { DownStream } from "./down_stream.ts";
import type { TimeRange } from "./gaps.ts";
import type { Place } from "./place_table.ts";

const START = 1_700_000_000;

/** A relay, our side of it, and a stream on each connection. */
class Scene {
  readonly tasks = new Tasks();
  readonly relay: ModelRelay;
  readonly ours = new Map<string, ModelEvent>();
  readonly delivered: string[] = [];
  readonly offered: string[] = [];
  place: Place | null = null;
  now = START;
  compares = true;
  /** Whether events are stored as soon as they come. */
  isStoring = true;
  readonly unsettled: Settle[] = [];
  stream!: DownStream;
  readonly #prng = new Prng(7);

  constructor(habits: Habits, readonly filter: Record<string, unknown> = {}) {
    this.relay = new ModelRelay(habits, this.tasks);
  }

  event(created_at: number, kind = 1): ModelEvent {
    return { id: this.#prng.hex(32), created_at, kind };
  }

  /** Has the relay store so many events, `gap` seconds apart, the newest now. */
  publish(count: number, gap = 1, kind = 1): void {
    for (let at = 0; at < count; at++) this.relay.add(this.event(this.now - at * gap, kind));
  }

  connect() {
    const conversation = this.relay.connect();
    this.stream = new DownStream({
      conversation,
      filter: this.filter,
      place: this.place,
      note: (place) => this.place = place,
      deliver: (text, id, settle) => {
        this.delivered.push(id);
        const store = () => this.ours.set(id, JSON.parse(text));
        if (!this.isStoring) return void this.unsettled.push(settle);
        store();
        settle(true);
      },
      isKnown: (id) => this.ours.has(id),
      ownItems: this.compares ? (filter, range) => Promise.resolve(this.#own(filter, range)) : null,
      offer: (ids) => Promise.resolve(void this.offered.push(...ids)),
      nowSeconds: () => this.now,
      futureSeconds: 900,
    });
    this.stream.start();
    return conversation;
  }

  disconnect(): void {
    this.relay.disconnect();
    this.stream.stop();
  }

  /** Ids that the relay has and we lack. */
  get missing(): string[] {
    return [...this.relay.events.keys()].filter((id) => !this.ours.has(id));
  }

  #own(_filter: unknown, { since, until }: TimeRange) {
    const builder = new SortedVectorBuilder();
    for (const { id, created_at } of this.ours.values()) {
      if (created_at >= since && created_at <= until) builder.addHex(created_at, id);
    }
    return { items: builder.build(), since, release: () => {} };
  }
}

Deno.test("a stream fetches all of the past, follows what is new, and notes that nothing is missing", async () => {
  const scene = new Scene({ limitMax: 10 });
  scene.publish(95, 1_000);
  scene.connect();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.missing], ["live", []]);
  assertEquals(scene.place, { at: START, gaps: [] });
  scene.relay.add(scene.event(START - 5_000_000));
  await scene.tasks.run();
  assertEquals(scene.missing, []);
  // Each page has the last event of the page before.
  assertEquals(scene.delivered.length < 95 * 1.2, true);
});

Deno.test("after an absence only what came since, and the overlap, is fetched", async () => {
  const scene = new Scene({ limitMax: 50 });
  scene.publish(1_000, 60);
  scene.connect();
  await scene.tasks.run();
  scene.disconnect();
  scene.delivered.length = 0;
  scene.now += 3_600;
  scene.publish(100, 30);
  scene.connect();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.missing], ["live", []]);
  const repeated = scene.delivered.length - 100;
  assertEquals(repeated <= UPSTREAM_OVERLAP_SECONDS / 60 + 7, true, `${repeated} events came twice`);
});

Deno.test("where sets can be compared, nothing that is here is fetched, and what the relay lacks is offered", async () => {
  const scene = new Scene({ limitMax: 100, reconciles: true });
  scene.publish(500, 100);
  const events = [...scene.relay.events.values()];
  for (const event of events.slice(0, 400)) scene.ours.set(event.id, event);
  const own = scene.event(START - 7);
  scene.ours.set(own.id, own);
  scene.connect();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.missing], ["live", []]);
  // The live subscription asks for the newest event.
  assertEquals(scene.delivered.length, 101);
  assertEquals([scene.offered, scene.stream.counts.comparisons], [[own.id], 1]);
});

Deno.test("a comparison that is too much is halved until the relay accepts it", async () => {
  const scene = new Scene({ limitMax: 100, reconciles: true, comparedMax: 60 });
  scene.publish(500, 100);
  for (const event of [...scene.relay.events.values()].slice(0, 450)) scene.ours.set(event.id, event);
  scene.connect();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.missing, scene.place?.gaps], ["live", [], []]);
  assertEquals(scene.stream.counts.comparisons >= 8, true);
  assertEquals(scene.delivered.length < 60, true);
});

Deno.test("a relay that says it compares and does not is paged", async () => {
  const scene = new Scene({ limitMax: 100, reconciles: true, refusesComparisons: true });
  scene.publish(300, 100);
  const [first] = scene.relay.events.values();
  scene.ours.set(first!.id, first!);
  scene.connect();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.missing, scene.stream.counts.comparisons], ["live", [], 0]);
  assertStringIncludes(scene.stream.comparisonFault, "negentropy disabled");
});

Deno.test("pages are trusted in nothing: short ones, oldest first, many events of one second", async () => {
  const shapes: Habits[] = [
    { limitMax: 100, pageMax: 7 },
    { limitMax: 10, sendsOldestFirst: true },
    { limitMax: 100, pageMax: 7, sendsOldestFirst: true },
  ];
  for (const habits of shapes) {
    const scene = new Scene(habits);
    scene.compares = false;
    for (let second = 0; second < 40; second++) {
      for (let n = 0; n < second % 5; n++) scene.relay.add(scene.event(START - second * 3));
    }
    scene.connect();
    await scene.tasks.run();
    assertEquals([scene.stream.state, scene.missing], ["live", []], JSON.stringify(habits));
    assertEquals(scene.stream.counts.overfullSeconds, 0);
  }
});

Deno.test("a second that holds more than a page is compared, or asked for in parts, or counted", async () => {
  const kinds = [1, 2, 3, 4, 5, 6];
  const cases: [Habits, Record<string, unknown>, number][] = [
    [{ limitMax: 10, reconciles: true }, {}, 0],
    [{ limitMax: 10 }, { kinds }, 0],
    [{ limitMax: 10, sendsOldestFirst: true }, { kinds }, 0],
    [{ limitMax: 10 }, {}, 1],
  ];
  for (const [habits, filter, overfull] of cases) {
    const scene = new Scene(habits, filter);
    scene.publish(20, 20);
    for (let n = 0; n < 30; n++) scene.relay.add(scene.event(START - 420, kinds[n % 6]));
    scene.connect();
    await scene.tasks.run();
    assertEquals([scene.stream.state, scene.stream.counts.overfullSeconds], ["live", overfull]);
    assertEquals(scene.missing.length > 0, overfull > 0, JSON.stringify(habits));
  }
});

Deno.test("a relay that ignores until ends with a failure that says so, and the gap stays", async () => {
  const scene = new Scene({ limitMax: 10, ignoresUntil: true });
  scene.publish(50, 10);
  scene.connect();
  await scene.tasks.run();
  assertEquals(scene.stream.state, "failed");
  assertStringIncludes(scene.stream.failure, "outside of the time");
  assertEquals(scene.place?.gaps.length, 1);
  // It is tried again after pauses that double, and only then.
  const before = scene.delivered.length;
  scene.now += 4;
  scene.stream.tick();
  await scene.tasks.run();
  assertEquals(scene.delivered.length, before);
  scene.now += 1;
  scene.stream.tick();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.delivered.length > before], ["failed", true]);
});

Deno.test("a relay that gives out its events one by one is left alone for a while, again and again", async () => {
  const scene = new Scene({ limitMax: 1 });
  scene.publish(UPSTREAM_SMALL_PAGES_MAX + 500, 10);
  scene.connect();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.missing.length], ["failed", 499]);
  assertStringIncludes(scene.stream.failure, "one new event");
  scene.now += 5;
  scene.stream.tick();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.missing], ["live", []]);
});

Deno.test("a relay that never says EOSE is named, and the stream stays behind", async () => {
  const scene = new Scene({ limitMax: 10, sendsNoEose: true });
  scene.publish(5);
  scene.connect();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.place], ["failed", null]);
  assertStringIncludes(scene.stream.failure, "no EOSE");
});

Deno.test("events of the future move no place beyond now, and those too far ahead are left alone", async () => {
  const scene = new Scene({ limitMax: 10 });
  scene.relay.add(scene.event(START + 600));
  scene.relay.add(scene.event(START + 400 * 86_400));
  scene.publish(20);
  scene.connect();
  await scene.tasks.run();
  assertEquals(scene.place, { at: START, gaps: [] });
  // The newest event comes with the live subscription, whatever its time.
  assertEquals(scene.missing, []);
  scene.disconnect();
  scene.delivered.length = 0;
  scene.now += 60;
  scene.connect();
  await scene.tasks.run();
  assertEquals(scene.place, { at: START + 60, gaps: [] });
});

Deno.test("nothing counts as fetched before its outcome is certain", async () => {
  const scene = new Scene({ limitMax: 10 });
  scene.publish(30, 10);
  scene.isStoring = false;
  scene.connect();
  await scene.tasks.run();
  const whole = [{ since: 0, until: Math.ceil((START + 900) / 120) * 120 }];
  assertEquals(scene.place?.gaps, whole);
  // At most a few pages are under way.
  assertEquals(scene.delivered.length <= 50, true);
  for (const settle of scene.unsettled.splice(0)) settle(false);
  await scene.tasks.run();
  for (const settle of scene.unsettled.splice(0)) settle(true);
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.place?.gaps], ["failed", whole]);
  assertStringIncludes(scene.stream.failure, "could not be stored");
  scene.isStoring = true;
  scene.now += 5;
  scene.stream.tick();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.missing, scene.place?.gaps], ["live", [], []]);
});

Deno.test("the moment of a live subscription moves when what it brought is settled", async () => {
  const scene = new Scene({ limitMax: 10 });
  scene.connect();
  await scene.tasks.run();
  assertEquals(scene.place, { at: START, gaps: [] });
  scene.isStoring = false;
  scene.relay.add(scene.event(START));
  await scene.tasks.run();
  scene.now += 100;
  scene.stream.tick();
  await scene.tasks.run();
  assertEquals(scene.place?.at, START);
  scene.unsettled.pop()!(true);
  await scene.tasks.run();
  assertEquals(scene.place, { at: START + 100, gaps: [] });
  scene.relay.add(scene.event(START + 100));
  await scene.tasks.run();
  scene.now += 100;
  scene.stream.tick();
  scene.unsettled.pop()!(false);
  await scene.tasks.run();
  assertEquals(scene.place?.gaps.length, 1);
});

Deno.test("a live subscription that the relay closes is opened again, and what came between is fetched", async () => {
  const scene = new Scene({ limitMax: 10 });
  scene.connect();
  await scene.tasks.run();
  scene.relay.disconnect();
  await scene.tasks.run();
  assertEquals(scene.stream.state, "failed");
  scene.stream.stop();
  scene.publish(5);
  scene.connect();
  await scene.tasks.run();
  assertEquals([scene.stream.state, scene.missing], ["live", []]);
});
