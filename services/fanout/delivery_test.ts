/** Tests of the delivery: slow sockets, a registry that goes away in the middle, and what has expired. */
import { assert, assertEquals } from "@std/assert";
import { FANOUT_ROSTER_MS, PIPED_SOCKET_BYTES_MAX } from "../../lib/limits.ts";
import { randomPool } from "../../lib/fanout/random_pool.ts";
import { RegistryAwayError } from "../../lib/fanout/registry.ts";
import { SecretSeal } from "../../lib/fanout/sealed_secret.ts";
import { secretKeyOf } from "../../lib/fanout/shared_secret.ts";
import { SignalLog } from "../../lib/fanout/signal_log.ts";
import { SqliteRegistry } from "../../lib/fanout/sqlite_registry.ts";
import { createTailMemory } from "../../lib/log/tail.ts";
import { createDoorbellMemory, Doorbell } from "../../lib/queue/doorbell.ts";
import { EventStore } from "../../lib/store/write/event_store.ts";
import { Logger } from "../../runtime/logger.ts";
import { PipedSocket } from "../../runtime/piped_sockets.ts";
import { decryptBySecret } from "../../tests/upstream/fanout_client.ts";
import { eventually } from "../../tests/support/eventually.ts";
import { memoryStore } from "../../tests/support/memory_store.ts";
import { packed } from "../../tests/support/pack_event.ts";
import { signEvent, testKey } from "../../tests/support/sign.ts";
import { createLogLevel } from "../../wire/log_level.ts";
import { Delivery } from "./delivery.ts";
import { Listener } from "./listener.ts";
import { Roster } from "./roster.ts";

const BOT = testKey(910);
const SECRET = "a secret";
/** The machine may be busy with other tests. */
const BOUND_MS = 20_000;

/** A registry that can be made to fail. */
class FailingRegistry extends SqliteRegistry {
  failures = 0;

  override changesAfter(version: number) {
    if (this.failures > 0 && this.failures-- > 0) {
      return Promise.reject(new RegistryAwayError("Cannot ask: it is a test"));
    }
    return super.changesAfter(version);
  }
}

/** A fan-out over a store in memory, with followers whose sockets are arrays. */
class TestFanout {
  readonly store = memoryStore();
  readonly events = new EventStore(this.store);
  readonly bell = new Doorbell(createDoorbellMemory());
  readonly directory = Deno.makeTempDirSync();
  readonly registry = new FailingRegistry(`${this.directory}/fanout.db`);
  readonly signals = new SignalLog(`${this.directory}/fanout.db`);
  readonly random = randomPool((bytes) => crypto.getRandomValues(bytes));
  readonly seal = new SecretSeal([new Uint8Array(32)], this.random);
  readonly roster: Roster;
  readonly banned = new Set<string>();
  readonly running: Promise<void>;
  /** Deno ends a program that only waits for memory. */
  readonly #alive = setInterval(() => {}, 1_000);
  #published = 0;

  constructor() {
    const { registry, seal, signals, store, bell, random } = this;
    this.roster = new Roster({ registry, seal, own: null, removed: () => {}, unreadable: () => {} });
    const log = new Logger("fanout", createLogLevel("error"));
    const parts = { registry, roster: this.roster, signals, store, bell, random, log };
    const kinds = new Set([30_931]);
    const delivery = new Delivery({
      ...parts,
      tail: createTailMemory(256),
      kinds,
      own: null,
      isBanned: ({ id }) => this.banned.has(id),
      sent: () => {},
    });
    this.running = delivery.run();
  }

  /** Returns the id. */
  publish(content: string, tags: string[][] = []): string {
    this.events.begin();
    const d = ["d", String(++this.#published)];
    const event = signEvent(BOT, { kind: 30_931, content, tags: [d, ...tags] });
    this.events.add(packed(event));
    this.events.commit();
    this.bell.ring();
    return event.id;
  }

  async follow(number: number, after = this.signals.cursor): Promise<TestSocket> {
    const { pubkey: follower } = testKey(number);
    const owner = { bot: BOT.pubkey, follower };
    const sealed = this.seal.seal(secretKeyOf(SECRET), owner);
    await this.registry.subscribe({ ...owner, sealed, since: 0, isByBot: false });
    return this.open(follower, after);
  }

  open(follower: string, after: number): TestSocket {
    const socket = new TestSocket();
    const listener = new Listener(socket.piped, { follower, encryption: "chacha20poly1305", after });
    socket.listener = listener;
    assert(this.roster.add(listener));
    this.bell.ring();
    return socket;
  }

  /** As a gateway that has written so much. */
  written(socket: TestSocket, chars = socket.piped.waitingChars): void {
    if (socket.piped.written(Math.min(chars, socket.piped.waitingChars))) this.roster.lags(socket.listener!);
    this.bell.ring();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.bell.requestStop();
    await this.running;
    clearInterval(this.#alive);
    await this.registry.close();
    this.signals.close();
    this.store.close();
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** The actor's end of a socket, and what it was sent. */
class TestSocket {
  listener: Listener | null = null;
  onFrame = () => {};
  readonly frames: { readonly seq: number; readonly payload: string }[] = [];
  readonly piped = new PipedSocket(
    {
      type: "opened",
      number: 1,
      path: "/fanout",
      query: "",
      address: "127.0.0.1",
      host: "",
      proof: { key: null, isAdmin: false },
    },
    (order) => {
      if (order.type !== "send") return;
      this.frames.push(...order.texts.map((text) => JSON.parse(text)));
      this.onFrame();
    },
  );

  get texts(): string[] {
    return this.frames.map(({ payload }) => decryptBySecret(payload, SECRET));
  }
}

async function openFanout(): Promise<TestFanout> {
  const fanout = new TestFanout();
  await fanout.registry.register({ pubkey: BOT.pubkey, name: "bot", nostrPubkey: null, ethAddress: null });
  return fanout;
}

Deno.test("a socket that is not read is sent so much and no more, and later the rest in order", async () => {
  await using fanout = await openFanout();
  const slow = await fanout.follow(911);
  const quick = await fanout.follow(912);
  await eventually(() => quick.listener!.state === "live" && slow.listener!.state === "live");
  const contents = Array.from({ length: 60 }, (_, i) => `${i} `.padEnd(20_000, "x"));
  for (const content of contents) {
    fanout.publish(content);
    await eventually(() => quick.texts.at(-1) === content, BOUND_MS);
    fanout.written(quick);
    // It has room for a while, and then none.
    fanout.written(slow, 3_000);
  }
  assert(slow.frames.length < contents.length / 2);
  assert(slow.piped.waitingChars < PIPED_SOCKET_BYTES_MAX + 30_000);
  assertEquals(quick.texts, contents);
  await eventually(() => {
    fanout.written(slow);
    return slow.frames.length === contents.length;
  });
  assertEquals(slow.texts, contents);
});

Deno.test("a registry that goes away loses and repeats nothing", async () => {
  await using fanout = await openFanout();
  const socket = await fanout.follow(911);
  await eventually(() => socket.listener!.state === "live");
  const contents = Array.from({ length: 20 }, (_, i) => `${i}`);
  for (const content of contents) {
    fanout.registry.failures = content === "5" || content === "12" ? 1 : 0;
    fanout.publish(content);
    await eventually(() => socket.texts.length > Number(content), BOUND_MS);
  }
  assertEquals(socket.texts, contents);
});

Deno.test("a registry that goes away in the middle of a signal loses and repeats nothing", async () => {
  await using fanout = await openFanout();
  const sockets = await Promise.all(Array.from({ length: 24 }, (_, i) => fanout.follow(920 + i)));
  await eventually(() => sockets.every(({ listener }) => listener!.state === "live"));
  let failed = 0;
  for (const socket of sockets) {
    socket.onFrame = () => {
      // The roster is too old before all have the signal.
      const until = performance.now() + 2 * FANOUT_ROSTER_MS / 16;
      while (performance.now() < until);
      if (failed === 0) failed = fanout.registry.failures = 1;
    };
  }
  fanout.publish("first");
  await eventually(() => fanout.registry.failures === 0);
  assert(sockets.some(({ frames }) => frames.length === 0));
  fanout.publish("second");
  await eventually(() => sockets.every(({ frames }) => frames.length === 2), BOUND_MS);
  for (const { texts } of sockets) assertEquals(texts, ["first", "second"]);
});

Deno.test("who comes back gets what it lacks, without what has expired, and what comes meanwhile once", async () => {
  await using fanout = await openFanout();
  const expires = String(Math.floor(Date.now() / 1000) + 1);
  for (let i = 0; i < 50; i++) fanout.publish(`${i}`, i % 2 === 0 ? [] : [["expiration", expires]]);
  await eventually(() => fanout.signals.cursor === 50 && Date.now() / 1000 > Number(expires), BOUND_MS);
  const back = await fanout.follow(911, 10);
  fanout.publish("last");
  await eventually(() => back.texts.at(-1) === "last", BOUND_MS);
  assertEquals(back.texts, [...Array.from({ length: 20 }, (_, i) => `${10 + 2 * i}`), "last"]);
});

Deno.test("what was banned is sent to nobody, be it new or lacking", async () => {
  await using fanout = await openFanout();
  fanout.banned.add(fanout.publish("banned"));
  fanout.publish("stored");
  await eventually(() => fanout.signals.cursor === 2, BOUND_MS);
  const back = await fanout.follow(911, 0);
  await eventually(() => back.listener!.state === "live", BOUND_MS);
  fanout.banned.add(fanout.publish("banned at once"));
  fanout.publish("live");
  await eventually(() => back.texts.at(-1) === "live", BOUND_MS);
  assertEquals(back.texts, ["stored", "live"]);
});

Deno.test("a subscription that another relay ends is not served once that is known", async () => {
  await using fanout = await openFanout();
  const socket = await fanout.follow(911);
  const other = await fanout.follow(912);
  await eventually(() => socket.listener!.state === "live" && other.listener!.state === "live");
  await fanout.registry.unsubscribe(BOT.pubkey, socket.listener!.follower);
  fanout.publish("for one");
  await eventually(() => other.texts.length === 1);
  assertEquals(socket.texts, []);
  assertEquals(fanout.roster.size, 2);
});
