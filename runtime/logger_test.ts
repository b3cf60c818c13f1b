/** Tests of the log: a message is one line, whatever it quotes, and nothing in it reaches the terminal as a command. */
import { assertEquals } from "@std/assert";
import { oneLine } from "./logger.ts";

Deno.test("a message is one line without control characters, whatever a client put into it", () => {
  assertEquals(
    oneLine("a\nb\r\nc\t\u001b[31mred\u0000\u007f\u0085\u2028d\u2029e"),
    "a\\nb\\r\\nc\\t\\u001b[31mred\\u0000\\u007f\\u0085\\u2028d\\u2029e",
  );
});

Deno.test("other text stays as it is", () => {
  assertEquals(oneLine('Grüße, 日本 🙂 "quoted"'), 'Grüße, 日本 🙂 "quoted"');
});
