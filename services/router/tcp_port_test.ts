/** Tests of the port for consumers: who is served, and what others are told. */
import { assertEquals, assertMatch } from "@std/assert";
import { FORWARD_STRANGERS_MAX } from "../../lib/limits.ts";
import { freePort } from "../../tests/support/free_port.ts";
import { plainEvent } from "../../tests/support/plain_event.ts";
import { FedStore } from "./feed_test_fixture.ts";
import { isLoopback, TcpPort } from "./tcp_port.ts";

const hostname = "127.0.0.1";

/** Says something at a port and returns what comes, up to the end or the first event. */
async function ask(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname, port });
  await connection.write(new TextEncoder().encode(text));
  const decoder = new TextDecoder();
  let answer = "";
  const chunk = new Uint8Array(4_096);
  for (let bytes; !answer.includes("\n") && (bytes = await connection.read(chunk)) !== null;) {
    answer += decoder.decode(chunk.subarray(0, bytes));
  }
  return answer;
}

Deno.test("a stranger is served with the token only, and says so in time and in bounds", async () => {
  using store = new FedStore();
  store.write(plainEvent());
  const feed = store.feed();
  const port = freePort();
  let delivered = 0;
  const parts = { hostname, port, token: "right", feed, isLocal: () => false };
  const served = new TcpPort({ ...parts, delivered: (events) => delivered += events });
  const running = served.run();
  assertMatch(await ask(port, '{"after":0,"token":"right"}\n'), /^\{"seq":1,"event":\{"id":"f/);
  assertEquals(delivered, 1);
  assertMatch(await ask(port, '{"after":0,"token":"wrong"}\n'), /error.*token/);
  assertMatch(await ask(port, '{"after":0}\n'), /error.*token/);
  assertMatch(await ask(port, ""), /error.*token/);
  assertMatch(await ask(port, "x".repeat(100_000)), /error.*longer/);
  served.close();
  feed.close();
  await running;
});

Deno.test("without a token nobody from elsewhere is served", async () => {
  using store = new FedStore();
  const feed = store.feed();
  const port = freePort();
  const served = new TcpPort({
    hostname,
    port,
    token: null,
    feed,
    isLocal: () => false,
    delivered: () => {},
  });
  const running = served.run();
  assertMatch(await ask(port, '{"token":""}\n'), /error.*API_TOKEN/);
  served.close();
  feed.close();
  await running;
  assertEquals(["127.0.0.1", "::1", "::ffff:127.0.0.1"].map(isLoopback), [true, true, true]);
  assertEquals(["10.0.0.1", "1.127.0.0", "::1:2", "fe80::1"].map(isLoopback), [false, false, false, false]);
});

Deno.test("one stranger too many is refused, and the port serves on", async () => {
  using store = new FedStore();
  store.write(plainEvent());
  const feed = store.feed();
  const port = freePort();
  const parts = { hostname, port, token: "right", feed, isLocal: () => false };
  const served = new TcpPort({ ...parts, delivered: () => {} });
  const running = served.run();
  const silent = await Promise.all(
    Array.from({ length: FORWARD_STRANGERS_MAX }, () => Deno.connect({ hostname, port })),
  );
  assertMatch(await ask(port, ""), /error.*too many/);
  for (const connection of silent) connection.close();
  let answer = "";
  while (!answer.includes("seq")) answer = await ask(port, '{"after":0,"token":"right"}\n');
  served.close();
  feed.close();
  await running;
});

Deno.test("a connection that cannot be accepted ends neither the port nor the thread", async () => {
  using store = new FedStore();
  store.write(plainEvent());
  const feed = store.feed();
  const port = freePort();
  const { listen } = Deno;
  let failures = 0;
  Deno.listen = ((options: Deno.TcpListenOptions) => {
    const listener = listen(options);
    const accept = listener.accept.bind(listener);
    listener.accept = () => failures++ < 2 ? Promise.reject(new Error("Too many open files")) : accept();
    return listener;
  }) as unknown as typeof listen;
  let served: TcpPort;
  try {
    served = new TcpPort({ hostname, port, token: null, feed, isLocal: () => true, delivered: () => {} });
  } finally {
    Deno.listen = listen;
  }
  const running = served.run();
  assertMatch(await ask(port, '{"after":0}\n'), /^\{"seq":1/);
  assertEquals(failures > 2, true);
  served.close();
  feed.close();
  await running;
});
