/** Tests of what a broken connection may have lost: bytes and time decide. */
import { assertEquals } from "@std/assert";
import { FORWARD_TCP_RESENT_BYTES, FORWARD_TCP_RESENT_MS, FORWARD_TCP_TRAIL_MS } from "../limits.ts";
import { SentTrail } from "./sent_trail.ts";

Deno.test("a write counts as delivered when the connection has outlived it for long", () => {
  const trail = new SentTrail(5);
  trail.wrote(6, 100, 1_000);
  trail.wrote(9, 100, 2_000);
  assertEquals(trail.taken(1_000 + FORWARD_TCP_RESENT_MS - 1), 5);
  assertEquals(trail.taken(1_000 + FORWARD_TCP_RESENT_MS), 6);
  assertEquals(trail.taken(2_000 + FORWARD_TCP_RESENT_MS), 9);
});

Deno.test("a write counts as delivered when more bytes came after it than buffers hold", () => {
  const trail = new SentTrail(0);
  const step = FORWARD_TCP_RESENT_BYTES / 4;
  for (let seq = 1; seq <= 6; seq++) trail.wrote(seq, step, seq * FORWARD_TCP_TRAIL_MS);
  assertEquals(trail.taken(0), 2);
});

Deno.test("writes of a moment count as one, with its last entry", () => {
  const trail = new SentTrail(0);
  for (let seq = 1; seq <= 3; seq++) trail.wrote(seq, 1, FORWARD_TCP_TRAIL_MS * 0.4 * (seq - 1));
  trail.wrote(4, 1, FORWARD_TCP_TRAIL_MS);
  assertEquals([trail.taken(FORWARD_TCP_RESENT_MS - 1), trail.taken(FORWARD_TCP_RESENT_MS)], [0, 3]);
});
