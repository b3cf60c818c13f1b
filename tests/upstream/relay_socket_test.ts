/**
 * Sockets and documents of other relays: whom they call, and what goes wrong before there is a conversation.
 * Run on the test's thread; each test has a simulated relay of its own.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { IncomingMessage } from "node:http";
import { UPSTREAM_DOCUMENT_BYTES_MAX } from "../../lib/limits.ts";
import { CallableTargets } from "../../lib/network/callable_targets.ts";
import { type Failure, RelayFailure } from "../../lib/upstream/failure.ts";
import { readRelayDocument, type RelayDocumentOptions } from "../../runtime/relay_document.ts";
import { openRelaySocket, type RelaySocketOptions } from "../../runtime/relay_socket.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import * as lies from "../support/relay_lies.ts";
import { type Lie, startSimulatedRelay } from "../support/simulated_relay.ts";

const TLS = new URL("../support/opensearch/tls/", import.meta.url);
const [cert, key, ca] = await Promise.all(
  ["server.pem", "server.key", "ca.pem"].map((name) => Deno.readTextFile(new URL(name, TLS))),
) as [string, string, string];
const local = new CallableTargets(["127.0.0.1"]);

function open(url: string, options: Partial<RelaySocketOptions> = {}) {
  return openRelaySocket(url, {
    callable: local,
    onText() {},
    onClosed() {},
    handshakeMs: 5_000,
    ...options,
  });
}

async function failure(action: Promise<unknown>): Promise<Failure> {
  const error = await assertRejects(() => action, RelayFailure);
  assert(error.message.startsWith("Cannot ") && error.message.endsWith(error.failure.reason), error.message);
  return error.failure;
}

/** How opening a socket and reading a document fail at a relay that lies. */
async function failuresAt(lie: Lie, ms = 5_000): Promise<string[]> {
  await using relay = await startSimulatedRelay({ lie });
  const socket = await failure(open(relay.url, { handshakeMs: ms }));
  const options: RelayDocumentOptions = { callable: local, answerMs: ms };
  const document = await failure(readRelayDocument(relay.url, options));
  return [socket, document].map(({ kind, reason }) => `${kind}: ${reason}`);
}

Deno.test("a socket goes to the address that was looked up, once, under the name", async () => {
  let headers: Record<string, string | string[] | undefined> = {};
  function onRequest(_socket: unknown, request: IncomingMessage): boolean {
    headers = request.headers;
    return false;
  }
  await using relay = await startSimulatedRelay({ lie: { onRequest } });
  let lookUps = 0;
  const resolve = () => Promise.resolve(++lookUps === 1 ? ["127.0.0.1"] : ["127.0.0.9"]);
  const url = `ws://relay.example.com:${relay.port}`;
  const closed = Promise.withResolvers<Failure>();
  const socket = await open(url, { resolve, onClosed: closed.resolve });
  assertEquals([lookUps, socket.address], [1, "127.0.0.1"]);
  assertEquals(headers.host, `relay.example.com:${relay.port}`);
  assert(/^sluice\/\d/.test(String(headers["user-agent"])));
  assertEquals(headers["sec-websocket-extensions"], undefined);
  socket.ping();
  const before = socket.heardMs;
  await eventually(() => socket.heardMs > before);
  socket.close();
  assertEquals(await closed.promise, { kind: "closed", reason: "this relay has closed the connection" });
});

Deno.test("addresses that are not public are not called, however they are written or looked up", async () => {
  const callable = new CallableTargets([]);
  await using relay = await startSimulatedRelay();
  const hosts = ["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost", "0.0.0.0"];
  for (const host of [...hosts, "169.254.169.254", "10.0.0.1"]) {
    const url = `ws://${host}:${relay.port}`;
    assertEquals((await failure(open(url, { callable }))).kind, "private-address", host);
    assertEquals((await failure(readRelayDocument(url, { callable }))).kind, "private-address", host);
  }
  // One address of several is enough: it could be the one that is called.
  const resolve = () => Promise.resolve(["8.8.8.8", "127.0.0.1"]);
  assertEquals(await failure(open("ws://relay.example.com", { callable, resolve })), {
    kind: "private-address",
    reason: 'its address "127.0.0.1" is not public',
  });
  assertEquals(relay.connections, 0);
  const byName = await open(`ws://localhost:${relay.port}`, { callable: new CallableTargets(["localhost"]) });
  byName.close();
  await eventually(() => relay.clients.size === 0);
});

Deno.test("a look-up that fails, finds nothing or hangs is a failure of DNS", async () => {
  const url = "ws://relay.example.com";
  const none = { kind: "dns", reason: 'the name "relay.example.com" has no address' } as const;
  assertEquals(await failure(open(url, { resolve: () => Promise.reject(new Error("SERVFAIL")) })), none);
  assertEquals(await failure(open(url, { resolve: () => Promise.resolve([]) })), none);
  assertEquals(await failure(open(url, { resolve: () => Promise.resolve(["relay.internal"]) })), none);
  const hangs = { resolve: () => new Promise<string[]>(() => {}), lookUpMs: 50 };
  assertEquals(await failure(open(url, hangs)), {
    kind: "dns",
    reason: 'nobody told the address of "relay.example.com" within 50 ms',
  });
  assertEquals((await failure(open("ws://no-such-name.invalid"))).kind, "dns");
});

Deno.test("a port on which nobody listens refuses, and the next address of the host is tried", async () => {
  const url = `ws://127.0.0.1:${freePort()}`;
  assertEquals(await failure(open(url)), { kind: "refused", reason: "nobody listens there" });
  assertEquals((await failure(readRelayDocument(url, { callable: local }))).kind, "refused");
  await using relay = await startSimulatedRelay();
  const socket = await open(`ws://relay.example.com:${relay.port}`, {
    callable: new CallableTargets(["relay.example.com"]),
    resolve: () => Promise.resolve(["127.0.0.2", "127.0.0.1"]),
  });
  assertEquals(socket.address, "127.0.0.1");
  socket.close();
  await eventually(() => relay.clients.size === 0);
});

Deno.test("TLS is checked for the name, and works where the authority is known", async () => {
  await using relay = await startSimulatedRelay({ tls: { cert, key } });
  const resolve = () => Promise.resolve(["127.0.0.1"]);
  const right = `wss://localhost:${relay.port}`;
  const closed = Promise.withResolvers<void>();
  const socket = await open(right, { resolve, ca: [ca], onClosed: () => closed.resolve() });
  socket.close();
  await closed.promise;
  assertEquals(
    (await readRelayDocument(right, { callable: local, resolve, ca: [ca] }) as { name: string }).name,
    "simulated",
  );
  const wrong = `wss://relay.example.com:${relay.port}`;
  for (const [url, options] of [[right, {}], [wrong, { ca: [ca] }]] as const) {
    assertEquals((await failure(open(url, { resolve, ...options }))).kind, "tls", url);
    assertEquals(
      (await failure(readRelayDocument(url, { callable: local, resolve, ...options }))).kind,
      "tls",
      url,
    );
  }
  // A server that speaks no TLS.
  await using plain = await startSimulatedRelay();
  assertEquals((await failure(open(`wss://127.0.0.1:${plain.port}`))).kind, "tls");
});

Deno.test("redirects are not followed, and statuses are told", async () => {
  const target = "http://169.254.169.254/";
  assertEquals(await failuresAt(lies.answers(`302 Found\r\nLocation: ${target}`)), [
    `redirect: it redirects to "${target}", which is not followed`,
    "redirect: it redirects, which is not followed",
  ]);
  for (
    const [status, kind] of [["404 Not Found", "http"], ["503 Busy", "http"], ["401 No", "auth"]] as const
  ) {
    const reason = `${kind}: it answered with status ${status.slice(0, 3)}`;
    assertEquals(await failuresAt(lies.answers(status)), [reason, reason]);
  }
});

Deno.test("a server that is silent, drips, or sends no HTTP ends within its time", async () => {
  for (const lie of [lies.isSilent, lies.dripsHead(20)]) {
    assertEquals(await failuresAt(lie, 300), [
      "timeout: the handshake took too long",
      "timeout: no answer within 300 ms",
    ]);
  }
  const kinds = async (lie: Lie) => (await failuresAt(lie)).map((text) => text.split(":")[0]);
  assertEquals(await kinds(lies.answers("no status")), ["garbage", "garbage"]);
  assertEquals(await kinds(lies.sendsLongHead), ["garbage", "garbage"]);
  assertEquals(
    (await failuresAt(lies.sendsLongDocument))[1],
    `too-large: the answer is longer than ${UPSTREAM_DOCUMENT_BYTES_MAX} bytes`,
  );
});

Deno.test("an attempt is given up when its signal says so", async () => {
  await using relay = await startSimulatedRelay({ lie: lies.isSilent });
  const stop = new AbortController();
  const attempt = failure(open(relay.url, { signal: stop.signal, handshakeMs: 60_000 }));
  stop.abort();
  assertEquals((await attempt).reason, "the attempt was given up");
  assertEquals((await failure(open(relay.url, { signal: stop.signal }))).reason, "the attempt was given up");
});

Deno.test("a relay that does not read ends the connection at a bound", async () => {
  await using relay = await startSimulatedRelay({ lie: { onOpen: ({ webSocket }) => webSocket.pause() } });
  const closed = Promise.withResolvers<Failure>();
  const socket = await open(relay.url, { onClosed: closed.resolve });
  const text = "x".repeat(500_000);
  for (let n = 0; n < 100 && socket.isOpen; n++) socket.send(text);
  assertEquals((await closed.promise).reason, `the relay leaves ${4 * 1024 * 1024} bytes unread`);
});

Deno.test("a document is whatever JSON came, and no JSON is a failure", async () => {
  for (const document of [{ name: "x" }, [], 7]) {
    await using relay = await startSimulatedRelay({ document });
    assertEquals(await readRelayDocument(relay.url, { callable: local }), document);
  }
  assertEquals((await failuresAt(lies.answers("200 OK", "<html>")))[1], "garbage: the document is not JSON");
  await using none = await startSimulatedRelay({ document: null });
  assertEquals((await failure(readRelayDocument(none.url, { callable: local }))).status, 404);
});
