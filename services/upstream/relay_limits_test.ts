/**
 * Tests of the limits of relays. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { type Failure, RelayFailure } from "../../lib/upstream/failure.ts";
import { UNKNOWN_LIMITS } from "../../lib/upstream/polite_limits.ts";
import { RelayLimits } from "./relay_limits.ts";

Deno.test("a document is read once, and one that is missing leaves the defaults", async () => {
  const asked: string[] = [];
  const limits = new RelayLimits((url) => {
    asked.push(url);
    if (url.includes("none")) {
      return Promise.reject(new RelayFailure("read", { kind: "http", reason: "404", status: 404 }));
    }
    return Promise.resolve({ limitation: { max_limit: 7 } });
  });
  assertEquals((await limits.of("wss://a.example")).limitMax, 7);
  assertEquals((await limits.of("wss://a.example")).limitMax, 7);
  assertEquals(await limits.of("wss://none.example"), UNKNOWN_LIMITS);
  assertEquals(asked, ["wss://a.example", "wss://none.example"]);
});

Deno.test("a relay that cannot be reached is not called a second time for its socket", async () => {
  const failures: Failure[] = [
    { kind: "refused", reason: "nobody listens there" },
    { kind: "dns", reason: "no address" },
    { kind: "private-address", reason: "not public" },
  ];
  for (const failure of failures) {
    const limits = new RelayLimits(() => Promise.reject(new RelayFailure("read", failure)));
    const error = await assertRejects(() => limits.of("wss://a.example"), RelayFailure);
    assertEquals(error.failure, failure);
  }
});
