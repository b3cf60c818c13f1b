/** Tests of the bound on requests that are being answered: of an address, of all, and what is always answered. */
import { assertEquals } from "@std/assert";
import { HTTP_REQUESTS_MAX, HTTP_REQUESTS_PER_ADDRESS_MAX } from "../../../lib/limits.ts";
import { createSharedCountMemory, SharedCounts } from "../../../lib/policy/shared_counts.ts";
import { PageRequests } from "./page_requests.ts";

function pages(memory = createSharedCountMemory(Uint32Array.of(1, 2), 1)) {
  const requests = new PageRequests(new SharedCounts(memory, 0), () => new Response("page"));
  const ends: (() => void)[] = [];
  const statusOf = async (address: string, path = "/") => {
    const { promise, resolve } = Promise.withResolvers<void>();
    ends.push(resolve);
    return (await requests.answer(new Request(`http://localhost${path}`), address, promise)).status;
  };
  return { requests, ends, statusOf };
}

Deno.test("a request counts for its address until its answer is sent, however that ends", async () => {
  const { ends, statusOf } = pages();
  for (let n = 0; n < HTTP_REQUESTS_PER_ADDRESS_MAX; n++) assertEquals(await statusOf("192.0.2.1"), 200);
  assertEquals([await statusOf("192.0.2.1"), await statusOf("192.0.2.2")], [429, 200]);
  ends[0]!();
  await Promise.resolve();
  assertEquals([await statusOf("192.0.2.1"), await statusOf("192.0.2.1")], [200, 429]);
});

Deno.test("requests of all addresses are bounded, but who asks whether the relay is ready is told", async () => {
  const { statusOf } = pages();
  for (let n = 0; n < HTTP_REQUESTS_MAX; n++) assertEquals(await statusOf(`192.0.2.${n % 200}`), 200);
  assertEquals(await statusOf("198.51.100.1"), 503);
  assertEquals(await statusOf("198.51.100.1", "/ready"), 200);
  assertEquals(await statusOf("198.51.100.1", "/health?x"), 200);
});

Deno.test("an address that leaves pages unread is told whether the relay is ready, up to a bound of its own", async () => {
  const { statusOf } = pages();
  for (let n = 0; n < HTTP_REQUESTS_PER_ADDRESS_MAX; n++) await statusOf("192.0.2.1");
  for (let n = 0; n < HTTP_REQUESTS_PER_ADDRESS_MAX; n++) {
    assertEquals(await statusOf("192.0.2.1", n % 2 === 0 ? "/ready" : "/health"), 200);
  }
  assertEquals([await statusOf("192.0.2.1", "/ready"), await statusOf("192.0.2.2", "/ready")], [429, 200]);
});

Deno.test("an answer says how long it is, and has its body", async () => {
  const { requests } = pages();
  const answer = await requests.answer(new Request("http://localhost/"), "a", Promise.resolve());
  assertEquals([answer.headers.get("Content-Length"), await answer.text()], ["4", "page"]);
});
