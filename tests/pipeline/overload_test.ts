/** Tests of too much: publishers that never wait and readers that never read are answered, bounded, and alone with it. */
// alone: a client has to read as fast as the relay sends.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, type Message } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { heldOf, metricOf, publishGood } from "./traffic.ts";

const MIB = 1024 * 1024;
/** What the operating system may hold for one connection, on both sides: Linux's defaults are 6 and 4 MiB. */
const SYSTEM_BYTES_MAX = 12 * MIB;

/** Resident memory of the relay, bytes. */
async function residentBytes(relay: TestRelay): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${relay.pid}/status`);
  return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)![1]) * 1024;
}

/** Frames that the flood sends before this thread's event loop turns once. */
const SLICE_FRAMES = 500;

Deno.test("a publisher that never waits gets an answer for every frame, and others are served meanwhile", async () => {
  const frames = 50_000;
  await using relay = await startRelay();
  await using other = await connect(relay.url, { timeoutMs: 30_000 });
  const known = signEvent(testKey(9), { content: "known before" });
  await publishGood(other, [known]);
  const events = Array.from(
    { length: frames },
    (_, n) => signEvent(testKey(n % 8), { content: `flood ${n}` }),
  );
  const before = await residentBytes(relay);
  await using flood = await connect(relay.url);
  const answers = new Map<string, Message[]>();
  let count = 0;
  flood.socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data) as Message;
    count++;
    const id = message[1] as string;
    answers.set(id, [...answers.get(id) ?? [], message]);
  });
  // It never waits for an answer; between two slices this thread lets the other client's messages through.
  const flooding = (async () => {
    for (let n = 0; n < frames; n++) {
      flood.send(["EVENT", events[n]!]);
      if (n % SLICE_FRAMES === 0) await new Promise((resolve) => setTimeout(resolve));
    }
  })();
  let highest = before;
  let served = 0;
  while (count < frames) {
    const { events: found } = await other.query({ ids: [known.id] });
    assertEquals(found.length, 1);
    served++;
    highest = Math.max(highest, await residentBytes(relay));
  }
  await flooding;
  assert(served > 1, "the other client was served while the flood ran");
  assertEquals(count, frames);
  assertEquals(answers.size, frames);
  const accepted: string[] = [];
  for (const [id, messages] of answers) {
    assertEquals(messages.length, 1);
    const [type, , isAccepted, reason] = messages[0] as [string, string, boolean, string];
    assertEquals(type, "OK");
    if (isAccepted) accepted.push(id);
    else assertMatch(reason, /^rate-limited: /);
  }
  assert(accepted.length > 0);
  const held = await heldOf(other, accepted);
  assertEquals(held.size, accepted.length);
  // 50,000 frames are 20 MB; the lanes are bounded, the rest is the heap's own breathing.
  assert(highest - before < 400 * MIB, `grew from ${before} to ${highest} bytes`);
  await eventually(async () => await metricOf(relay, "nostr_relay_queue_length") === 0);
});

/** A client that speaks the protocol by hand, so that it can stop reading. */
class RawClient implements Disposable {
  readonly #connection: Deno.TcpConn;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async connect(relay: TestRelay): Promise<RawClient> {
    const { hostname, port, host } = new URL(relay.httpUrl);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(
      new TextEncoder().encode(
        `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      ),
    );
    const answer = new Uint8Array(4096);
    const bytes = await connection.read(answer);
    assertMatch(new TextDecoder().decode(answer.subarray(0, bytes!)), /^HTTP\/1\.1 101 /);
    return new RawClient(connection);
  }

  /** Sends one text frame, masked as RFC 6455 has it; the mask of zeroes changes nothing. */
  async send(message: readonly unknown[]): Promise<void> {
    const text = new TextEncoder().encode(JSON.stringify(message));
    const length = text.length < 126
      ? [0x80 | text.length]
      : [0x80 | 126, text.length >> 8, text.length & 255];
    const frame = new Uint8Array([0x81, ...length, 0, 0, 0, 0, ...text]);
    for (let at = 0; at < frame.length;) at += await this.#connection.write(frame.subarray(at));
  }

  /** Reads what waits, until the relay closes or `until` stands in it. Returns the end of it. */
  async read(until: string): Promise<{ tail: string; bytes: number }> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(256 * 1024);
    let tail = "";
    let bytes = 0;
    while (!tail.includes(until)) {
      const read = await this.#connection.read(buffer).catch(() => null);
      if (read === null) break;
      bytes += read;
      tail = tail.slice(-1_000) + decoder.decode(buffer.subarray(0, read), { stream: true });
    }
    return { tail, bytes };
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

Deno.test("a slow reader of live events holds no more than its budget, is told, and disturbs nobody", async () => {
  const budget = 2 * MIB;
  await using relay = await startRelay({ env: { OUTBOUND_BYTES_MAX: String(budget) } });
  await using publisher = await connect(relay.url, { timeoutMs: 30_000 });
  await using reader = await connect(relay.url);
  reader.send(["REQ", "live", { kinds: [1], limit: 0 }]);
  await reader.nextOfType("EOSE");
  using slow = await RawClient.connect(relay);
  await slow.send(["REQ", "slow", { kinds: [1], limit: 0 }]);
  await eventually(async () => await metricOf(relay, "nostr_subscriptions_active") === 2);
  // 40 MB pass: twenty times the budget, and more than the operating system buffers.
  const content = "x".repeat(40_000);
  const events = Array.from({ length: 1_000 }, (_, n) => signEvent(testKey(1), { content: content + n }));
  // So few at once that half of the budget holds them: the reader that reads is to keep up, however busy the machine is.
  await publishGood(publisher, events, 25);
  await eventually(
    () => reader.inbox.filter(([type]) => type === "EVENT").length === events.length,
    20_000,
  );
  await eventually(async () => await metricOf(relay, "nostr_slow_readers_total") >= 1, 20_000);
  assertEquals(await metricOf(relay, "nostr_subscriptions_active"), 1);
  // When it reads at last, it reads what fitted its budget and the system's buffers, and why nothing more came.
  const { tail, bytes } = await slow.read("CLOSED");
  assert(bytes < budget + SYSTEM_BYTES_MAX, `${bytes} bytes waited`);
  assertMatch(tail, /\["CLOSED","slow","rate-limited: the client reads too slowly"\]/);
  // And it may go on.
  await slow.send(["REQ", "again", { ids: [events[0]!.id] }]);
  assertMatch((await slow.read(`["EOSE","again",`)).tail, /\["EOSE","again",/);
});

Deno.test("a stored query waits for a client that does not read, within the budget, and then brings all", async () => {
  await using relay = await startRelay({ env: { OUTBOUND_BYTES_MAX: String(2 * MIB) } });
  await using publisher = await connect(relay.url, { timeoutMs: 30_000 });
  const content = "y".repeat(20_000);
  const events = Array.from({ length: 1_000 }, (_, n) => signEvent(testKey(2), { content: content + n }));
  await publishGood(publisher, events, 50);
  using slow = await RawClient.connect(relay);
  await slow.send(["REQ", "all", { kinds: [1], limit: 1_000 }]);
  const other = await publisher.query({ kinds: [1], limit: 10 });
  assertEquals(other.events.length, 10);
  assertEquals(await metricOf(relay, "nostr_slow_readers_total"), 0);
  const { tail } = await slow.read(`["EOSE","all",`);
  assertMatch(tail, /\["EOSE","all",/);
});

Deno.test("a client that reads nothing and asks on is cut off, and its answers do not pile up", async () => {
  await using relay = await startRelay({ env: { OUTBOUND_BYTES_MAX: String(MIB) } });
  await using other = await connect(relay.url);
  const greedy = await RawClient.connect(relay);
  greedy.send(["REQ", "live", { kinds: [1], limit: 0 }]);
  await eventually(async () => await metricOf(relay, "nostr_subscriptions_active") === 1);
  // Each is answered with a CLOSED that repeats its id.
  const asking = (async () => {
    while (true) await greedy.send(["REQ", "i".repeat(60), { kinds: "none" }]);
  })().catch(() => {});
  await eventually(async () => await metricOf(relay, "nostr_slow_readers_total") >= 1, 60_000);
  await eventually(async () => await metricOf(relay, "nostr_subscriptions_active") === 0);
  assert((await other.publish(signEvent(testKey(3))))[2]);
  const { bytes } = await greedy.read(`rate-limited: the client reads too slowly`);
  assert(bytes < 2 * MIB + SYSTEM_BYTES_MAX, `${bytes} bytes waited`);
  greedy[Symbol.dispose]();
  await asking;
  await eventually(async () => await metricOf(relay, "nostr_connections_active") === 1);
});

Deno.test("connections beyond the limit are turned away, and room is room again", async () => {
  await using relay = await startRelay({ env: { CONNECTIONS_MAX: "3" } });
  const clients = await Promise.all([1, 2, 3].map(() => connect(relay.url)));
  await eventually(async () => await metricOf(relay, "nostr_connections_active") === 3);
  const extra = await connect(relay.url);
  assertEquals((await extra.closed).code, 1013);
  await clients[0]!.close();
  await eventually(async () => await metricOf(relay, "nostr_connections_active") === 2);
  await using next = await connect(relay.url);
  assert((await next.publish(signEvent(testKey(4))))[2]);
  await Promise.all(clients.map((client) => client.close()));
});
