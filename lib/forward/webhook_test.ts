/** Tests of posts: the specification's own example verifies, and a batch has one id. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { webhookBody, webhookHeaders, webhookId, webhookKey } from "./webhook.ts";

Deno.test("headers are those of the example in the specification of Standard Webhooks", () => {
  const headers = webhookHeaders({
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    body: '{"test": 2432232314}',
    key: webhookKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    seconds: 1_614_265_330,
  });
  assertEquals(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  assertEquals(headers["idempotency-key"], headers["webhook-id"]);
  assertEquals(webhookHeaders({ id: "x", body: "", key: null, seconds: 1 })["webhook-signature"], undefined);
  assertEquals(webhookKey("plain"), new TextEncoder().encode("plain"));
  assertThrows(() => webhookKey("whsec_*"), SyntaxError);
});

Deno.test("a batch has an id of its own, and a body of JSON", () => {
  const batch = { log: "l", target: "t", after: 1, last: 2, ephemeral: [] };
  assertEquals(webhookId(batch), webhookId({ ...batch }));
  for (const other of [{ log: "m" }, { target: "u" }, { after: 0 }, { last: 3 }, { ephemeral: ["e"] }]) {
    assertNotEquals(webhookId(batch), webhookId({ ...batch, ...other }));
  }
  const events = [3, 5].map((seq) => ({
    seq,
    text: `{"id":${seq}}`,
    isEphemeral: false,
    after: { seq, place: null },
  }));
  assertEquals(JSON.parse(webhookBody(events, 'wss://"')), {
    relay: 'wss://"',
    first_seq: 3,
    last_seq: 5,
    events: [{ id: 3 }, { id: 5 }],
  });
});
