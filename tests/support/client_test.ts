/** Tests of the test client, against a scripted server. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, type Message } from "./client.ts";
import { signEvent, testKey } from "./sign.ts";

type Answer = (message: Message, reply: (message: Message) => void, socket: WebSocket) => void;

/** Runs `test` against a server that answers each message with `answer`. */
async function withServer(answer: Answer, test: (url: string) => Promise<void>): Promise<void> {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    function upgrade(request) {
      const forwardedFor = request.headers.get("x-forwarded-for");
      if (new URL(request.url).pathname === "/refused") return new Response("no", { status: 503 });
      const { socket, response } = Deno.upgradeWebSocket(request);
      function reply(message: Message): void {
        socket.send(JSON.stringify(message));
      }
      socket.onmessage = (event) => {
        if (event.data === "raw") reply(["NOTICE", forwardedFor]);
        else answer(JSON.parse(event.data), reply, socket);
      };
      return response;
    },
  );
  await test(`ws://127.0.0.1:${server.addr.port}`);
}

Deno.test("TestClient.next() takes messages by predicate and leaves the others in the inbox", async () => {
  await withServer((message, reply) => reply(message), async (url) => {
    await using client = await connect(url);
    for (const word of ["one", "two", "three"]) client.send(["NOTICE", word]);
    assertEquals(await client.next((message) => message[1] === "three"), ["NOTICE", "three"]);
    assertEquals(client.inbox, [["NOTICE", "one"], ["NOTICE", "two"]]);
    assertEquals(await client.next(), ["NOTICE", "one"]);
    assertEquals(await client.nextOfType("NOTICE"), ["NOTICE", "two"]);
  });
});

Deno.test("TestClient.next() rejects after its bound and tells what the inbox holds", async () => {
  await withServer((message, reply) => reply(message), async (url) => {
    await using client = await connect(url);
    client.send(["NOTICE", "other"]);
    await client.next((message) => message[1] === "other");
    client.inbox.push(["NOTICE", "left over"]);
    await assertRejects(() => client.next((message) => message[0] === "OK", 30), Error, "left over");
  });
});

Deno.test("TestClient rejects whoever waits when the connection ends, and whoever comes later", async () => {
  await withServer((_message, _reply, socket) => socket.close(4001, "enough"), async (url) => {
    await using client = await connect(url);
    const waiting = client.next();
    const publishing = client.publish(signEvent(testKey(1)));
    await assertRejects(() => waiting, Error, "closed with 4001");
    await assertRejects(() => publishing, Error, "closed with 4001");
    await assertRejects(() => client.next(), Error, "closed with 4001");
    assertEquals(await client.closed, { code: 4001, reason: "enough" });
  });
});

Deno.test("TestClient.publish() gives each event its own OK, also twice for the same event", async () => {
  let answered = 0;
  function acknowledge(message: Message, reply: (message: Message) => void): void {
    const { id } = message[1] as { id: string };
    reply(["OK", id, true, `answer ${answered++}`]);
  }
  await withServer(acknowledge, async (url) => {
    await using client = await connect(url);
    const [a, b] = [signEvent(testKey(1), { content: "a" }), signEvent(testKey(1), { content: "b" })];
    const answers = await Promise.all([client.publish(a), client.publish(b), client.publish(a)]);
    assertEquals(answers.map((ok) => [ok[1], ok[3]]), [[a.id, "answer 0"], [b.id, "answer 1"], [
      a.id,
      "answer 2",
    ]]);
  });
});

Deno.test("TestClient.query() collects events until EOSE, closes, and drops what arrives later", async () => {
  const event = signEvent(testKey(2));
  const received: Message[] = [];
  function answer(message: Message, reply: (message: Message) => void): void {
    received.push(message);
    if (message[0] !== "REQ") return reply(["NOTICE", "bye"]);
    reply(["EVENT", message[1], event]);
    reply(["EOSE", message[1], ["finish"]]);
    reply(["EVENT", message[1], event]);
  }
  await withServer(answer, async (url) => {
    await using client = await connect(url);
    const result = await client.query({ kinds: [1] }, { ids: [] });
    assertEquals(result, { events: [event], eose: ["EOSE", "query-1", ["finish"]] });
    await client.nextOfType("NOTICE");
    assertEquals(client.inbox, []);
    assertEquals(received, [["REQ", "query-1", { kinds: [1] }, { ids: [] }], ["CLOSE", "query-1"]]);
  });
});

Deno.test("TestClient.query() resolves with CLOSED when the relay refuses", async () => {
  await withServer((message, reply) => reply(["CLOSED", message[1], "error: no"]), async (url) => {
    await using client = await connect(url);
    assertEquals(await client.query({}), { events: [], closed: ["CLOSED", "query-1", "error: no"] });
  });
});

Deno.test("connect() sends headers, sendRaw() sends a frame as it is", async () => {
  await withServer(() => {}, async (url) => {
    await using client = await connect(url, { headers: { "x-forwarded-for": "203.0.113.7" } });
    client.sendRaw("raw");
    assertEquals(await client.next(), ["NOTICE", "203.0.113.7"]);
  });
});

Deno.test("connect() rejects when the server refuses the upgrade", async () => {
  await withServer(() => {}, async (url) => {
    const error = await assertRejects(() => connect(`${url}/refused`), Error, "Cannot connect");
    assert(error.message.includes("/refused"));
  });
});
