/** Tests of what a new file of streams changes. */
import { assertEquals } from "@std/assert";
import { changedStreams, filterText, partsOf, type StreamPart } from "./changed_streams.ts";
import type { Stream } from "./stream.ts";

const STREAM: Stream = {
  name: "s",
  direction: "both",
  filter: { kinds: [0, 1] },
  urls: ["wss://a", "wss://b"],
  pluginUp: null,
  pluginDown: null,
};

const names = (parts: readonly StreamPart[]) =>
  parts.map(({ stream, url, direction }) => `${stream.name} ${url} ${direction}`);

function changes(before: readonly Stream[], after: readonly Stream[]) {
  const { ended, started, kept } = changedStreams(before, after);
  return { ended: names(ended), started: names(started), kept: names(kept) };
}

const ALL = ["s wss://a up", "s wss://a down", "s wss://b up", "s wss://b down"];

Deno.test("a stream has a part for each relay and direction", () => {
  assertEquals(names(partsOf([STREAM])), ALL);
  assertEquals(names(partsOf([{ ...STREAM, direction: "up" }])), [ALL[0], ALL[2]]);
});

Deno.test("a filter that changes ends what there was and starts what is new", () => {
  const narrowed = { ...STREAM, filter: { kinds: [1] } };
  assertEquals(changes([STREAM], [narrowed]), { ended: ALL, started: ALL, kept: [] });
  assertEquals(changedStreams([STREAM], [narrowed]).ended[0]!.stream, STREAM);
  assertEquals(changedStreams([STREAM], [narrowed]).started[0]!.stream, narrowed);
});

Deno.test("what stays as it is goes on: other relays, the other direction, another order", () => {
  const kept = changes([STREAM], [{ ...STREAM, urls: ["wss://c", "wss://b"], filter: { kinds: [1, 0, 1] } }]);
  assertEquals(kept, {
    ended: ["s wss://a up", "s wss://a down"],
    started: ["s wss://c up", "s wss://c down"],
    kept: ["s wss://b up", "s wss://b down"],
  });
  assertEquals(changes([STREAM], [{ ...STREAM, direction: "down" }]), {
    ended: ["s wss://a up", "s wss://b up"],
    started: [],
    kept: ["s wss://a down", "s wss://b down"],
  });
  assertEquals(changes([STREAM], [{ ...STREAM, pluginUp: "x" }]).kept, ["s wss://a down", "s wss://b down"]);
  assertEquals(changes([], [STREAM]).started, ALL);
  assertEquals(changes([STREAM], []).ended, ALL);
});

Deno.test("filters are the same in another order of names and values, and not otherwise", () => {
  assertEquals(filterText({ since: 1, kinds: [3, 1] }), filterText({ kinds: [1, 3, 3], since: 1 }));
  assertEquals(filterText({ "#t": ["a"] }) === filterText({ "#t": ["b"] }), false);
});
