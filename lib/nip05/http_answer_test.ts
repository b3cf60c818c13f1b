/**
 * Tests of reading HTTP answers. Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { HttpAnswerReader } from "./http_answer.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const read = (text: string, isClosed = false) => {
  const answer = new HttpAnswerReader().read(bytesOf(text), isClosed);
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
    const reader = new HttpAnswerReader();
    for (let end = 0; end < text.length - 1; end++) {
      assertEquals(read(text.slice(0, end)), null, text.slice(0, end));
      assertEquals(reader.read(bytesOf(text).subarray(0, end), false), null);
      assertThrows(() => read(text.slice(0, end), true), SyntaxError);
    }
    assertEquals(read(text), [200, "hello"]);
    const { body } = reader.read(bytesOf(text), false)!;
    assertEquals(new TextDecoder().decode(body), "hello", "byte by byte it is the same");
  }
});

Deno.test("a head, and the line before a chunk, that go on for ever are refused", () => {
  const head = "HTTP/1.1 200 OK\r\n";
  const long = (text: string) => text.repeat(20_000);
  for (
    const text of [
      `${head}${long("a: b\r\n")}\r\n`,
      `${head}${long("\r")}`,
      `${head}Transfer-Encoding: chunked\r\n\r\n5;${long("x")}`,
    ]
  ) assertThrows(() => read(text), SyntaxError, "Cannot read answer");
});

Deno.test("an answer in many pieces is looked at once, not anew with each piece", () => {
  const chunk = "1\r\nx\r\n";
  const whole = bytesOf(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(2_000)}0\r\n`);
  let looks = 0;
  const counted = (end: number) =>
    new Proxy(whole.subarray(0, end), {
      get(bytes, name) {
        if (name === "subarray") looks++;
        const value = Reflect.get(bytes, name, bytes);
        return typeof value === "function" ? value.bind(bytes) : value;
      },
    });
  const reader = new HttpAnswerReader();
  for (let end = 0; end < whole.length; end += chunk.length) reader.read(counted(end), false);
  assertEquals(reader.read(whole, false)?.body.length, 2_000);
  assert(looks < 20_000, `${looks} looks at 2,000 chunks`);
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
