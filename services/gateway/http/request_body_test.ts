/** Tests of reading a body: as far as its bounds go, and what is taken for it. */
import { assertEquals } from "@std/assert";
import { readBody } from "./request_body.ts";

const BOUNDS = { bytesMax: 10, msMax: 60_000 };

/** A request with these pieces as its body; `end` is what comes after them. */
function requestOf(pieces: readonly number[], end: "close" | "error" | "silence", headers: HeadersInit = {}) {
  const state = { read: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const length = pieces[state.read];
      if (length !== undefined) {
        state.read++;
        controller.enqueue(new Uint8Array(length).fill(state.read));
      } else if (end === "close") controller.close();
      else if (end === "error") controller.error(new TypeError("gone"));
    },
    cancel: () => void (state.isCancelled = true),
  }, { highWaterMark: 0 });
  return { request: new Request("http://localhost/", { method: "POST", body, headers }), state };
}

Deno.test("a body within its bounds is read whole", async () => {
  assertEquals(await readBody(requestOf([2, 0, 3], "close").request, BOUNDS), Uint8Array.of(1, 1, 3, 3, 3));
  assertEquals(await readBody(new Request("http://localhost/"), BOUNDS), new Uint8Array(0));
});

Deno.test("one that is too long is read no further, and not at all where it says so", async () => {
  const long = requestOf([6, 5, 1, 1], "close");
  assertEquals(await readBody(long.request, BOUNDS), "too long");
  assertEquals(long.state, { read: 2, isCancelled: true });
  const told = requestOf([1], "close", { "Content-Length": "11" });
  assertEquals(await readBody(told.request, BOUNDS), "too long");
  assertEquals(told.state.read, 0);
});

Deno.test("one that does not come is given up after its time, one that breaks off at once", async () => {
  const silent = requestOf([1], "silence");
  assertEquals(await readBody(silent.request, { bytesMax: 10, msMax: 1 }), "too late");
  assertEquals(silent.state.isCancelled, true);
  assertEquals(await readBody(requestOf([1], "error").request, BOUNDS), "ended early");
});
