/**
 * Fetches a filter in parts, by halves of its lists: for a second that holds more events than a relay's page.
 * Runs on the thread of the stream that fetches; no state.
 *
 * @module
 */
import { UPSTREAM_SPLIT_FILTERS_MAX } from "../limits.ts";
import { Batch } from "./batch.ts";
import type { WalkParts } from "./page_walk.ts";
import type { StreamFilter } from "./stream_filter.ts";
import { StreamFault } from "./stream_reads.ts";

type PartFetchParts = Pick<WalkParts, "reads" | "limit" | "deliver">;

/**
 * Fetches the filter in parts that are shorter than a page; all events are settled when it returns.
 *
 * @param pageEvents Events of a page that was cut.
 * @returns whether it came to an end; false: a part that cannot be halved fills a page.
 * @throws {StreamFault} if the relay ends a request, or an event could not be stored.
 */
export async function fetchInParts(
  filter: StreamFilter,
  pageEvents: number,
  parts: PartFetchParts,
): Promise<boolean> {
  const long: StreamFilter[] = [filter];
  let isWhole = true;
  for (let asked = 0; long.length > 0;) {
    const halves = splitFilter(long.pop()!);
    if (halves === null || asked >= UPSTREAM_SPLIT_FILTERS_MAX) {
      isWhole = false;
      continue;
    }
    for (const half of halves) {
      asked++;
      if (await fetchPart(half, parts) >= pageEvents) long.push(half);
    }
  }
  return isWhole;
}

async function fetchPart(filter: StreamFilter, { reads, limit, deliver }: PartFetchParts): Promise<number> {
  const batch = new Batch();
  let events = 0;
  const reason = await reads.events({ ...filter, limit }, (text, id) => {
    events++;
    deliver(text, id, batch);
  }).finally(() => batch.close());
  if (reason !== null) throw new StreamFault(reason);
  if (!await batch.settled) throw new StreamFault("events of a second could not be stored");
  return events;
}

/**
 * Two filters that together select what the filter selects; null: it has no list of two values. Values of `&x` are no
 * alternatives.
 */
function splitFilter(filter: StreamFilter): readonly [StreamFilter, StreamFilter] | null {
  let longest = "";
  let length = 1;
  for (const [name, values] of Object.entries(filter)) {
    if (!Array.isArray(values) || name.startsWith("&") || values.length <= length) continue;
    longest = name;
    length = values.length;
  }
  if (longest === "") return null;
  const values = filter[longest] as readonly unknown[];
  const half = Math.ceil(length / 2);
  return [
    { ...filter, [longest]: values.slice(0, half) },
    { ...filter, [longest]: values.slice(half) },
  ];
}
