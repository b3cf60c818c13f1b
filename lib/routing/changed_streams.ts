/**
 * What a new file of streams changes, and no more than that: a relay that is added to a stream does not interrupt the
 * others, and a filter that was narrowed no longer lets through what it did.
 * Runs on any thread; no state.
 *
 * @module
 */
import type { Stream } from "./stream.ts";

/** One stream with one relay in one direction: what is started and ended as a whole. */
export interface StreamPart {
  readonly stream: Stream;
  readonly url: string;
  readonly direction: "up" | "down";
}

/** The way from one file to the next. */
interface StreamChanges {
  /** Parts of the former file that end now. */
  readonly ended: readonly StreamPart[];
  /** Parts of the new file that begin now, be it in place of one that ends. */
  readonly started: readonly StreamPart[];
  /** Parts of the new file that go on as they are. */
  readonly kept: readonly StreamPart[];
}

/** The parts of which streams consist. */
export function partsOf(streams: readonly Stream[]): StreamPart[] {
  return streams.flatMap((stream) =>
    stream.urls.flatMap((url) =>
      (["up", "down"] as const)
        .filter((direction) => stream.direction === direction || stream.direction === "both")
        .map((direction) => ({ stream, url, direction }))
    )
  );
}

/** What changes from `before` to `after`. */
export function changedStreams(before: readonly Stream[], after: readonly Stream[]): StreamChanges {
  const present = new Map(partsOf(before).map((part) => [identity(part), part]));
  const started: StreamPart[] = [];
  const kept: StreamPart[] = [];
  for (const part of partsOf(after)) {
    const key = identity(part);
    (present.delete(key) ? kept : started).push(part);
  }
  return { ended: [...present.values()], started, kept };
}

/** All that makes a part what it is. */
function identity({ stream, url, direction }: StreamPart): string {
  const plugin = direction === "up" ? stream.pluginUp : stream.pluginDown;
  return JSON.stringify([stream.name, url, direction, filterText(stream.filter), plugin]);
}

/** A filter as a text that is the same for filters which differ only in the order of names or values. */
export function filterText(filter: Stream["filter"]): string {
  const entries = Object.entries(filter).map(([name, value]) =>
    [
      name,
      Array.isArray(value) ? [...new Set(value)].sort() : value,
    ] as const
  );
  return JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1)));
}
