/**
 * HTTP requests of clients that prove nothing, send no body, or read no answer: each is answered at once, and together
 * they are bounded, by HTTP/2 too, where one connection carries hundreds.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { HTTP_REQUESTS_PER_ADDRESS_MAX } from "../../lib/limits.ts";
import { authorization, headerOf, post, RPC_TYPE } from "../protocol/management.ts";
import { eventually } from "../support/eventually.ts";
import { privateMiB } from "../support/footprint.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { testKey } from "../support/sign.ts";

const ADMIN = testKey(1);
const WAIT_MS_MAX = 20_000;
const CONNECTIONS = 30;
/** What one connection may carry at once, as `Deno.serve` says. */
const STREAMS = 200;
const GROWTH_MIB_MAX = 100;

function relayWith(engine: string): Promise<TestRelay> {
  return startRelay({
    env: { WEBSOCKET_ENGINE: engine, RELAY_PUBKEY: ADMIN.pubkey, LOG_LEVEL: "error", GATEWAY_WORKERS: "2" },
  });
}

/** Sends a head that promises a body, and no body. Resolves with what comes back. */
async function answerToHead(relay: TestRelay, headers: Record<string, string>): Promise<string> {
  const { hostname, port, host } = new URL(relay.httpUrl);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${RPC_TYPE}\r\n${lines}\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const buffer = new Uint8Array(4_096);
  const read = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, read ?? 0));
}

for (const engine of ["serve", "ws"]) {
  Deno.test(`who proves nothing is refused before the body has come (${engine})`, async () => {
    await using relay = await relayWith(engine);
    const body = JSON.stringify({ method: "supportedmethods", params: [] });
    const stranger = headerOf(authorization(testKey(2), relay.httpUrl, body));
    const admin = headerOf(authorization(ADMIN, relay.httpUrl, body));
    for (
      const [status, headers] of [
        ["401", {}],
        ["401", { Authorization: "Nostr e30=" }],
        ["403", { Authorization: stranger }],
        ["413", { Authorization: admin, "Content-Length": "60000000" }],
      ] as const
    ) {
      const answer = await answerToHead(relay, { "Content-Length": "60000", ...headers });
      assertMatch(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    }
    assertEquals((await post(relay.httpUrl, body, admin)).status, 200);
  });
}

/** What came back by HTTP/2. */
class Sessions implements Disposable {
  readonly #sessions: ClientHttp2Session[];
  readonly statuses = new Map<number, number>();

  constructor(url: string, count: number) {
    // Nobody reads a byte of any answer.
    const settings = { initialWindowSize: 0 };
    this.#sessions = Array.from({ length: count }, () => connectHttp2(url, { settings }));
    for (const session of this.#sessions) session.on("error", () => {});
  }

  /** Begins requests without a body, though there may be one. */
  request(headers: Record<string, string>, isEnded: boolean): void {
    for (const session of this.#sessions) {
      for (let n = 0; n < STREAMS; n++) {
        const stream = session.request(headers, { endStream: isEnded });
        stream.on("error", () => {});
        stream.on("response", ({ ":status": status }) => {
          this.statuses.set(status!, (this.statuses.get(status!) ?? 0) + 1);
        });
      }
    }
  }

  get answered(): number {
    return [...this.statuses.values()].reduce((sum, count) => sum + count, 0);
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions) session.destroy();
  }
}

Deno.test("thousands of requests without proof on a few connections of HTTP/2 take no memory", async () => {
  await using relay = await relayWith("serve");
  const before = await privateMiB(relay);
  {
    using sessions = new Sessions(relay.httpUrl, CONNECTIONS);
    sessions.request({ ":path": "/", ":method": "POST", "content-type": RPC_TYPE }, false);
    await eventually(() => sessions.answered >= CONNECTIONS * STREAMS, WAIT_MS_MAX);
    assertEquals([...sessions.statuses.keys()].toSorted(), [401, 429]);
    const growth = await privateMiB(relay) - before;
    assert(growth < GROWTH_MIB_MAX, `grew by ${growth} MiB`);
  }
});

Deno.test("pages that nobody reads are bounded for their address, at all gateways, and others are told so", async () => {
  await using relay = await relayWith("serve");
  {
    using sessions = new Sessions(relay.httpUrl, 5);
    sessions.request({ ":path": "/metrics", ":method": "GET" }, true);
    await eventually(() => sessions.answered >= 5 * STREAMS, WAIT_MS_MAX);
    assertEquals(sessions.statuses.get(200), HTTP_REQUESTS_PER_ADDRESS_MAX);
    assertEquals(sessions.statuses.get(429), 5 * STREAMS - HTTP_REQUESTS_PER_ADDRESS_MAX);
  }
  // What they held is given back when they are gone.
  await eventually(async () => {
    const response = await fetch(relay.httpUrl);
    await response.body?.cancel();
    return response.status === 200;
  }, WAIT_MS_MAX);
});

for (const engine of ["serve", "ws"]) {
  Deno.test(`requests whose clients go before the answer hold no place afterwards (${engine})`, async () => {
    await using relay = await relayWith(engine);
    const { hostname, port } = new URL(relay.httpUrl);
    const get = new TextEncoder().encode("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3));
    // More than an address has places.
    for (let n = 0; n < 3 * HTTP_REQUESTS_PER_ADDRESS_MAX; n++) {
      using connection = await Deno.connect({ hostname, port: Number(port) });
      await connection.write(get);
    }
    await eventually(async () => {
      const statuses = await Promise.all(Array.from({ length: 20 }, async () => {
        const response = await fetch(relay.httpUrl);
        await response.body?.cancel();
        return response.status;
      }));
      return statuses.every((status) => status === 200);
    }, WAIT_MS_MAX);
  });
}
