/**
 * Tests of authentication to write and to read (NIP-42). Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { key, plainEvent, sender } from "../../tests/support/plain_event.ts";
import { authToRead, authToWrite } from "./authenticated_only.ts";

Deno.test("any proved key is enough unless keys are named", () => {
  const write = authToWrite({ keys: null, openKinds: null });
  assertEquals(write(plainEvent(), sender()), "auth-required: prove a key to write here");
  assertEquals(write(plainEvent(), sender([key("b")])), null);
  const read = authToRead({ keys: null });
  assertEquals(read([], sender()), "auth-required: prove a key to read here");
  assertEquals(read([], sender([key("b")])), null);
});

Deno.test("where keys are named, one of the proved keys has to be among them", () => {
  const keys = new Set([key("c")]);
  const write = authToWrite({ keys, openKinds: null });
  const read = authToRead({ keys });
  assertEquals(write(plainEvent(), sender()), "auth-required: prove a key to write here");
  assertEquals(write(plainEvent(), sender([key("b")])), "restricted: none of your keys may write here");
  assertEquals(read([], sender([key("b")])), "restricted: none of your keys may read here");
  assertEquals(write(plainEvent(), sender([key("b"), key("c")])), null);
  assertEquals(read([], sender([key("b"), key("c")])), null);
});

Deno.test("open kinds are written without a key", () => {
  const write = authToWrite({ keys: null, openKinds: new Set([1059]) });
  assertEquals(write(plainEvent({ kind: 1059 }), sender()), null);
  assertEquals(write(plainEvent({ kind: 1 }), sender()), "auth-required: prove a key to write here");
});
