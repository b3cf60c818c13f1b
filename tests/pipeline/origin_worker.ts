/**
 * An origin in as few lines as one takes: sends events as another relay's, and tells its test of each outcome.
 * Runs on a worker of its own, which owns this life of the origin.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { Origin } from "../../runtime/origin.ts";
import type { Sender } from "../../wire/frame.ts";
import type { RelayMemory } from "../../wire/memory.ts";

/** What a test says first. */
export interface OriginStart {
  readonly memory: RelayMemory;
  readonly epoch: number;
  readonly source: Sender["source"];
  readonly events: readonly string[];
}

/** What it says of an outcome. */
export type Told = readonly [id: string, accepted: boolean, message: string];

self.onmessage = async ({ data }: MessageEvent<OriginStart>) => {
  const { memory, epoch, source, events } = data;
  const origin = new Origin(memory, 0, epoch);
  const sender = { number: 7, source, keys: new Uint8Array(0), address: "wss://up.example", unanswered: 0 };
  for (const event of events) origin.send(sender, `["EVENT",${event}]`);
  while (!origin.bell.stopRequested) {
    const seen = origin.bell.rings;
    origin.drain(({ id, accepted, message }) => {
      sender.unanswered--;
      self.postMessage([id, accepted, message] satisfies Told);
    });
    await origin.bell.waitAsync(seen);
  }
};
