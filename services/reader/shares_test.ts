/** Tests of shares: what one client may take, what is left for others, and that all comes back. */
import { assert, assertEquals } from "@std/assert";
import { Shares } from "./shares.ts";

const BOUNDS = { all: 100, each: 30 };

/** Takes one by one, as long as there is room. */
function takeAll(shares: Shares, client: string, bounds = BOUNDS): number {
  while (shares.hasRoom(client, 1, bounds)) shares.count(client, 1);
  return shares.of(client);
}

Deno.test("a client has no more than its part, and who comes later finds some", () => {
  const shares = new Shares();
  assertEquals(["a", "b", "c", "d"].map((client) => takeAll(shares, client)), [30, 30, 20, 10]);
  assert(shares.hasRoom("e", 5, BOUNDS));
  assert(!shares.hasRoom("e", 6, BOUNDS));
});

Deno.test("alone a client has half of what there is, where its part would be more", () => {
  assertEquals(takeAll(new Shares(), "a", { all: 100, each: 1_000 }), 50);
});

Deno.test("what is given back is there for others, and who has nothing is forgotten", () => {
  const shares = new Shares();
  takeAll(shares, "a");
  shares.count("a", -shares.of("a"));
  assertEquals([shares.total, shares.of("a")], [0, 0]);
  assertEquals(takeAll(shares, "b"), 30);
});
