/** What a follower's socket has to prove, and what becomes of one that does not. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent } from "../support/sign.ts";
import {
  ANN,
  authEvent,
  BEN,
  EVE,
  FANOUT_ENV,
  follow,
  httpProof,
  publish,
  register,
  signal,
  subscribe,
} from "./fanout_client.ts";

Deno.test("a follower's socket proves its key", async (t) => {
  await using relay = await startRelay({ env: FANOUT_ENV });
  await using client = await connect(relay.url);
  await register(relay);
  await subscribe(relay, ANN);

  await t.step("a proof in the request is enough", async () => {
    const url = `${relay.httpUrl}/fanout`;
    await using socket = await connect(`${relay.url}/fanout`, {
      headers: { Authorization: httpProof(ANN, { url, method: "GET" }) },
    });
    await eventually(async () => {
      await publish(client, signal("by NIP-98"));
      return socket.inbox.length > 0;
    });
    assert(socket.inbox.every(([type]) => type === "?"));
  });

  await t.step("a socket that proves no key, or a wrong one, gets nothing and is closed", async () => {
    await using silent = await connect(`${relay.url}/fanout`);
    await using wrong = await connect(`${relay.url}/fanout?after=0`);
    const challenge = (await wrong.nextOfType("AUTH"))[1] as string;
    const right = authEvent(relay, ANN, challenge);
    const forgeries = [
      { ...right, pubkey: BEN.pubkey },
      authEvent(relay, ANN, "another challenge"),
      signEvent(ANN, { kind: 22_242, tags: [["relay", "wss://elsewhere"], ["challenge", challenge]] }),
    ];
    for (const forged of forgeries) assertEquals((await wrong.authenticate(forged))[2], false);
    assertEquals((await wrong.closed).code, 1008);
    await publish(client, signal("not for strangers"));
    const { code, reason } = await silent.closed;
    assertEquals([code, silent.inbox.map(([type]) => type)], [1008, ["AUTH"]]);
    assertStringIncludes(reason, "auth-required:");
  });

  await t.step("a socket proves one key, and understands nothing else", async () => {
    await using ann = await follow(relay, ANN);
    const again = await ann.client.authenticate(authEvent(relay, BEN, "any"));
    assertEquals([again[2], again[3]], [false, "restricted: this connection has proved its key"]);
    ann.client.send(["REQ", "a", {}]);
    assertEquals((await ann.client.nextOfType("NOTICE"))[1], "unsupported: only AUTH is understood here");
  });

  await t.step("a query string that cannot be read closes the socket and says why", async () => {
    for (const query of ["?encryption=rot13", "?after=-1", "?after=x"]) {
      await using socket = await connect(`${relay.url}/fanout${query}`);
      const { code, reason } = await socket.closed;
      assertEquals(code, 1008);
      assert(reason.startsWith("invalid: "));
    }
  });

  await t.step("a follower has a few sockets, not more", async () => {
    await using sockets = new AsyncDisposableStack();
    for (let i = 0; i < 8; i++) sockets.use(await follow(relay, EVE));
    await using more = await follow(relay, EVE);
    assertStringIncludes((await more.client.closed).reason, "at most 8 connections");
  });
});
