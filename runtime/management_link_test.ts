/** Tests of how a gateway asks management: answers find their requests, and a management that died leaves none open. */
import { assertEquals } from "@std/assert";
import type { ManagementAnswer, ManagementRequest } from "../wire/management_requests.ts";
import { ManagementLink } from "./management_link.ts";

/** Management's side: what it was asked, and how it answers. */
function management(link: ManagementLink) {
  const { port1, port2 } = new MessageChannel();
  const asked: ManagementRequest[] = [];
  const { promise: first, resolve } = Promise.withResolvers<void>();
  port2.onmessage = ({ data }) => {
    asked.push(data);
    resolve();
  };
  link.connect(port1);
  const answer = (answer: ManagementAnswer) => port2.postMessage(answer);
  return { asked, first, answer, [Symbol.dispose]: () => [port1, port2].forEach((port) => port.close()) };
}

Deno.test("answers find their requests, in whatever order they come", async () => {
  const link = new ManagementLink();
  using owner = management(link);
  const reply = link.ask("{}");
  const invite = link.invite(["a"]);
  await owner.first;
  owner.answer({ number: 2, answer: { refusal: "restricted: no" } });
  owner.answer({ number: 1, answer: { status: 200, body: "1", method: null } });
  assertEquals(await invite, { refusal: "restricted: no" });
  assertEquals((await reply).body, "1");
  assertEquals(owner.asked, [
    { type: "manage", number: 1, body: "{}" },
    { type: "invite", number: 2, keys: ["a"] },
  ]);
});

Deno.test("what a management that died left open is refused once the next one is there, which is asked then", async () => {
  const link = new ManagementLink();
  using dead = management(link);
  const [reply, invite] = [link.ask("{}"), link.invite([])];
  await dead.first;
  using next = management(link);
  assertEquals(JSON.parse((await reply).body).error.startsWith("Cannot answer: "), true);
  assertEquals(await invite, { refusal: "error: the relay could not decide, try again later" });
  const again = link.ask("{}");
  await next.first;
  next.answer({ number: 3, answer: { status: 200, body: "3", method: null } });
  assertEquals((await again).body, "3");
});
