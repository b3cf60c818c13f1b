/** Tests of corks on real sockets, by the kernel's own word; they need the native library, and Linux. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { prepareNative } from "../../../scripts/native.ts";
import { eventually } from "../../../tests/support/eventually.ts";
import { type Cork, Corks } from "./corks.ts";

const { path: libraryPath } = await prepareNative();
const ignore = libraryPath === null || Deno.build.os !== "linux";

const TCP = 6;
const TCP_CORK = 3;

/** A connection within this process, its server's side corked; `sends` stands for what waits to be written. */
async function connect(hostname: string) {
  using listener = Deno.listen({ hostname, port: 0 });
  const [client, server] = await Promise.all([
    Deno.connect({ hostname, port: listener.addr.port }),
    listener.accept(),
  ]);
  const libc = Deno.dlopen("libc.so.6", {
    getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  });
  const corks = Corks.open(libraryPath)!;
  const sends = { bufferedAmount: 0 };
  const claim = () => corks.claim(sends as WebSocket, server.remoteAddr, listener.addr.port);
  return {
    client,
    server,
    sends,
    claim,
    isCorked({ fd }: Cork): boolean {
      const value = new Uint32Array(1);
      assertEquals(libc.symbols.getsockopt(fd, TCP, TCP_CORK, value, Uint32Array.of(4)), 0);
      return value[0] === 1;
    },
    [Symbol.dispose]() {
      client.close();
      server.close();
      libc.close();
      corks.close();
    },
  };
}

const addresses = Deno.networkInterfaces().map(({ address }) => address);
for (const hostname of ["127.0.0.1", "::1"].filter((address) => addresses.includes(address))) {
  Deno.test({
    name: `a connection's descriptor at ${hostname} is found, and is nobody else's until it is released`,
    ignore,
    async fn() {
      using connection = await connect(hostname);
      const cork = connection.claim()!;
      assertNotEquals(cork, null);
      assertEquals(connection.claim(), null);
      cork.release();
      const again = connection.claim()!;
      assertEquals(again.fd, cork.fd);
      again.release();
    },
  });
}

Deno.test({
  name:
    "a socket is corked for a message behind another, while they are being written, and not for a lone one",
  ignore,
  async fn() {
    using connection = await connect("127.0.0.1");
    const { sends } = connection;
    const cork = connection.claim()!;
    cork.gather();
    assertEquals(connection.isCorked(cork), false);
    sends.bufferedAmount = 100;
    cork.gather();
    cork.gather();
    assertEquals(connection.isCorked(cork), true);
    sends.bufferedAmount = 0;
    await eventually(() => !connection.isCorked(cork), 20_000);
    // It may be corked again afterwards; a client that reads nothing does not stay so.
    sends.bufferedAmount = 100;
    cork.gather();
    assertEquals(connection.isCorked(cork), true);
    await eventually(() => !connection.isCorked(cork), 20_000);
    cork.release();
  },
});

Deno.test({
  name: "a released cork corks no more, and lets go what it has corked, whoever has the descriptor by then",
  ignore,
  async fn() {
    using connection = await connect("127.0.0.1");
    const { sends } = connection;
    const cork = connection.claim()!;
    sends.bufferedAmount = 100;
    cork.gather();
    cork.release();
    const next = connection.claim()!;
    sends.bufferedAmount = 0;
    cork.gather();
    await eventually(() => !cork.isIn, 20_000);
    assertEquals(connection.isCorked(next), false);
    sends.bufferedAmount = 100;
    cork.gather();
    assertEquals([cork.isIn, connection.isCorked(next)], [false, false]);
    next.release();
  },
});

Deno.test("without the library there are no corks", () => {
  assertEquals(Corks.open(null), null);
  assertEquals(Corks.open("/nowhere/libsluice.so"), null);
});
