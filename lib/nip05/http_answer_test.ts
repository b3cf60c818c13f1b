/**
 * Tests of reading HTTP answers. Run on the main thread; no state.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { readHttpAnswer } from "./http_answer.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const read = (text: string, isClosed = false) => {
  const answer = readHttpAnswer(bytesOf(text), isClosed);
  return answer === null ? null : [answer.status, new TextDecoder().decode(answer.body)];
};

Deno.test("an answer is whole by its length, by its last chunk, or when the server has closed", () => {
  assertEquals(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}and more"), [200, "{}"]);
  assertEquals(read("HTTP/1.0 404\r\n\r\nnone", true), [404, "none"]);
  const chunked =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n';
  assertEquals(read(chunked), [200, '{"a":1}']);
});

Deno.test("every beginning of an answer is not whole yet, and too short when the server has closed", () => {
  for (
    const text of [
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ]
  ) {
    for (let end = 0; end < text.length - 1; end++) {
      assertEquals(read(text.slice(0, end)), null, text.slice(0, end));
      assertThrows(() => read(text.slice(0, end), true), SyntaxError);
    }
    assertEquals(read(text), [200, "hello"]);
  }
});

Deno.test("what is no answer is refused", () => {
  for (
    const text of [
      "SSH-2.0\r\n\r\n",
      "HTTP/2 200\r\n\r\n",
      "HTTP/1.1 20\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    ]
  ) assertThrows(() => read(text, true), SyntaxError, "Cannot read answer", text);
});
