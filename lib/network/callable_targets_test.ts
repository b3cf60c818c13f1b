/**
 * Tests of the hosts that may be called. Run on the main thread; no state.
 *
 * @module
 */
import { assert } from "@std/assert";
import { CallableTargets } from "./callable_targets.ts";

Deno.test("public addresses may be called, and private ones only if the operator allows them", () => {
  const none = new CallableTargets([]);
  assert(none.mayCall("relay.example.com", "8.8.8.8"));
  for (const address of ["127.0.0.1", "::1", "10.1.2.3", "169.254.169.254", "::ffff:127.0.0.1", "fd00::1"]) {
    assert(!none.mayCall("relay.example.com", address), address);
  }
  const some = new CallableTargets(["localhost", "10.0.0.0/8", "192.168.1.7"]);
  assert(some.mayCall("LOCALHOST.", "127.0.0.1"));
  assert(some.mayCall("relay.example.com", "10.1.2.3"));
  assert(some.mayCall("relay.example.com", "192.168.1.7"));
  assert(!some.mayCall("relay.example.com", "192.168.1.8"));
  assert(!some.mayCall("evil-localhost", "127.0.0.1"));
});
