/**
 * Streams against a relay in memory, with random histories, partitions and deaths of ours: after the last partition both
 * sides hold what the direction says, and what was certainly fetched before a connection is not fetched by it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { ModelLog } from "../../tests/support/model_log.ts";
import { type Habits, type ModelEvent, ModelRelay, Tasks } from "../../tests/support/model_relay.ts";
import { type Prng, seededPrng } from "../../tests/support/prng.ts";
import { UPSTREAM_OVERLAP_SECONDS, UPSTREAM_STEP_SECONDS } from "../limits.ts";
import { SortedVectorBuilder } from "../negentropy/sorted_vector.ts";
import type { Direction } from "../routing/stream.ts";
import type { Settle } from "./batch.ts";
import { DownStream } from "./down_stream.ts";
import type { TimeRange } from "./gaps.ts";
import type { Place } from "./place_table.ts";
import { UpStream } from "./up_stream.ts";

const START = 1_700_000_000;
/** How late, and how far in the future, events are published, seconds: less than the overlap and than what is asked for. */
const LATE_SECONDS = UPSTREAM_OVERLAP_SECONDS - 100;
const FUTURE_SECONDS = 900;

/** What was durable when a connection began, and what it brought. */
interface Connection {
  readonly down: DownStream | null;
  readonly up: UpStream | null;
  readonly allowed: readonly TimeRange[];
  readonly deliveries: Map<string, number>;
  /** Events that came outside of what is allowed. */
  strays: number;
  failures: number;
}

/** One relay, our side of it, and what happens to both. */
class World {
  readonly tasks = new Tasks();
  readonly relay: ModelRelay;
  readonly log = new ModelLog();
  readonly ours = new Map<string, ModelEvent>();
  /** What is on our disk beside the events. */
  durable: { place: Place | null; cursor: number | null } = { place: null, cursor: null };
  noted: Place | null = null;
  now = START;
  connection: Connection | null = null;
  /** How probable it is that the store cannot take an event. */
  faults = 0.02;
  /** Events of ours that have to go up. */
  readonly owed = new Set<string>();

  constructor(readonly prng: Prng, readonly habits: Habits, readonly direction: Direction) {
    this.relay = new ModelRelay(habits, this.tasks);
  }

  get isDown(): boolean {
    return this.direction !== "up";
  }

  /** An event near the present, at one of few seconds. */
  event(at = this.now + this.prng.int(-LATE_SECONDS, FUTURE_SECONDS - 100)): ModelEvent {
    return { id: this.prng.hex(32), created_at: at - at % 20, kind: 1 };
  }

  /** The relay gets an event from somebody. */
  publish(event: ModelEvent): void {
    if (!this.#isFull(event.created_at)) this.relay.add(event);
  }

  /** We get an event from somebody. */
  write(event: ModelEvent): void {
    if (!this.relay.events.has(event.id) && this.#isFull(event.created_at)) return;
    this.ours.set(event.id, event);
    this.log.add(event);
    if (this.durable.cursor !== null) this.owed.add(event.id);
  }

  /** Whether a second has so many events that a page would not show another one. */
  #isFull(second: number): boolean {
    const { limitMax, pageMax = limitMax, reconciles, refusesComparisons } = this.habits;
    if (reconciles && !refusesComparisons) return false;
    const all = new Map([...this.relay.events, ...this.ours]);
    return [...all.values()].filter(({ created_at }) => created_at === second).length >= pageMax - 1;
  }

  connect(): void {
    if (this.connection !== null) return;
    const conversation = this.relay.connect();
    const { place } = this.durable;
    this.noted = place;
    const up = this.direction === "down" ? null : this.#upStream(conversation);
    const down = this.isDown ? this.#downStream(conversation, up) : null;
    const since = Math.min(place?.at ?? -Infinity, this.now) - UPSTREAM_OVERLAP_SECONDS -
      UPSTREAM_STEP_SECONDS;
    const allowed = [...place?.gaps ?? [], { since, until: Infinity }];
    this.connection = { down, up, allowed, deliveries: new Map(), strays: 0, failures: 0 };
    down?.start();
    up?.step();
  }

  /** The connection ends; if we die, what was noted and not flushed is lost too. */
  disconnect(isDeath: boolean): void {
    if (this.connection === null) return;
    if (!isDeath) this.flush();
    this.relay.disconnect();
    this.connection.down?.stop();
    this.connection.up?.stop();
    this.tasks.clear();
    this.#checkConnection(this.connection);
    this.connection = null;
  }

  flush(): void {
    if (this.connection === null) return;
    this.durable = { place: this.noted, cursor: this.connection.up?.cursor ?? null };
  }

  tick(): void {
    this.connection?.down?.tick();
    this.connection?.up?.step();
  }

  #upStream(conversation: ReturnType<ModelRelay["connect"]>): UpStream {
    // The first life of a stream begins at the end of the log, and that is durable at once.
    this.durable.cursor ??= this.log.lastSeq;
    return new UpStream({
      conversation,
      log: this.log,
      after: this.durable.cursor,
      isWanted: () => true,
      cameFrom: (id) => conversation.cameFrom(id),
      approve: null,
      textOf: (id) => this.log.texts.get(id) ?? null,
      nowSeconds: () => this.now,
    });
  }

  #downStream(conversation: ReturnType<ModelRelay["connect"]>, up: UpStream | null) {
    return new DownStream({
      conversation,
      filter: {},
      place: this.durable.place,
      note: (place) => this.noted = place,
      deliver: (text, _, settle) => this.#deliver(JSON.parse(text), settle),
      isKnown: (id) => this.ours.has(id),
      ownItems: (_, range) => Promise.resolve(this.#own(range)),
      offer: up === null ? null : (ids) => up.offer(ids),
      nowSeconds: () => this.now,
      futureSeconds: FUTURE_SECONDS,
    });
  }

  #deliver(event: ModelEvent, settle: Settle): void {
    const connection = this.connection!;
    const { allowed, deliveries } = connection;
    const isAllowed = allowed.some(({ since, until }) =>
      since <= event.created_at && event.created_at <= until
    );
    if (!isAllowed && this.ours.has(event.id)) connection.strays++;
    deliveries.set(event.id, (deliveries.get(event.id) ?? 0) + 1);
    this.tasks.add(() => {
      const isStored = !this.prng.chance(this.faults);
      if (!isStored) connection.failures++;
      else {
        this.ours.set(event.id, event);
        this.log.add(event);
      }
      settle(isStored);
      connection.up?.step();
    });
  }

  #own({ since, until }: TimeRange) {
    const builder = new SortedVectorBuilder();
    for (const { id, created_at } of this.ours.values()) {
      if (created_at >= since && created_at <= until) builder.addHex(created_at, id);
    }
    return { items: builder.build(), since, release: () => {} };
  }

  #checkConnection({ deliveries, strays, failures }: Connection): void {
    if (failures > 0) return;
    // The live subscription brings the newest event, whatever its time.
    assertEquals(strays <= 1, true, `${strays} events came that were certainly here`);
    // Live, at the end of a page and at the beginning of the next one, and again where a second filled a page.
    for (const times of deliveries.values()) assertEquals(times <= 4, true, `an event came ${times} times`);
  }
}

function habitsOf(prng: Prng): Habits {
  const limitMax = prng.pick([5, 10, 50]);
  return {
    limitMax,
    ...(prng.chance(0.3) && { pageMax: prng.int(4, limitMax) }),
    ...(prng.chance(0.5) && { reconciles: true }),
    ...(prng.chance(0.2) && { comparedMax: prng.int(20, 60) }),
    ...(prng.chance(0.2) && { sendsOldestFirst: true }),
    ...(prng.chance(0.1) && { refusesComparisons: true }),
  };
}

/** One thing that happens. */
async function step(world: World, prng: Prng): Promise<void> {
  // What is under way comes soon, or the connection is dead.
  if (prng.chance(0.3)) world.now += prng.pick(world.tasks.isIdle ? [1, 61, 900, 90_000] : [1, 10]);
  const happening = prng.int(0, 9);
  if (happening === 0) world.disconnect(prng.chance(0.5));
  else if (happening === 1) world.flush();
  else if (happening < 4) { for (let n = prng.int(0, 20); n > 0; n--) world.publish(world.event()); }
  else if (happening < 5) { for (let n = prng.int(0, 90); n > 0; n--) world.write(world.event()); }
  else if (happening < 6) world.connect();
  world.tick();
  await world.tasks.run(prng.pick([0, 3, 30, Infinity]));
}

Deno.test("after the last partition both sides hold what the direction says, and nothing certain came again", async () => {
  const prng = seededPrng("streams");
  for (let run = 0; run < 25; run++) {
    const world = new World(prng, habitsOf(prng), prng.pick(["down", "up", "both"]));
    for (let n = prng.int(0, 120); n > 0; n--) world.publish(world.event(START - prng.int(0, 3_000)));
    for (const event of world.relay.events.values()) if (prng.chance(0.5)) world.write(event);
    for (let n = prng.int(0, 50); n > 0; n--) world.write(world.event(START - prng.int(0, 3_000)));
    for (let n = 0; n < 50; n++) await step(world, prng);
    world.faults = 0;
    world.disconnect(true);
    world.connect();
    for (let n = 0; n < 20; n++) {
      await world.tasks.run();
      world.now += 60;
      world.tick();
    }
    const { relay, ours, log, habits, direction, connection } = world;
    const what = JSON.stringify({ run, habits, direction });
    if (connection!.down !== null) {
      assertEquals([connection!.down.state, connection!.down.failure], ["live", ""], what);
      assertEquals([...relay.events.keys()].filter((id) => !ours.has(id)), [], what);
      assertEquals([world.noted?.gaps, connection!.down.counts.overfullSeconds], [[], 0], what);
    }
    if (connection!.up !== null) {
      assertEquals([...world.owed].filter((id) => !relay.events.has(id)), [], what);
      assertEquals(connection!.up.cursor, log.lastSeq, what);
    }
    world.disconnect(false);
  }
});
