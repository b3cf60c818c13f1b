/** Tests of paths with parameters. */
import { assertEquals } from "@std/assert";
import { pathParameters } from "./path_pattern.ts";

Deno.test("a path fits a pattern part by part, and gives its parameters as they stand", () => {
  assertEquals(pathParameters("/api/relays", "/api/relays"), {});
  assertEquals(pathParameters("/api/relays", "/api/relays/"), null);
  assertEquals(pathParameters("/api/bots/:bot", "/api/bots/a%2fb"), { bot: "a%2fb" });
  assertEquals(pathParameters("/:a/x/:b", "/1/x/2"), { a: "1", b: "2" });
  for (const path of ["/api/bots", "/api/bots/", "/api/bots/a/b", "/api/cats/a", "api/bots/a", ""]) {
    assertEquals(pathParameters("/api/bots/:bot", path), null, path);
  }
});
