/**
 * A client of nostr-tools in a process of its own: publishes an event, sees it live, asks for it, counts it.
 * `deno run nostr_tools_client.ts RELAY_URL < EVENT`; prints what it saw as JSON.
 *
 * @module
 */
import { Relay } from "nostr-tools/relay";
import type { NostrEvent } from "nostr-tools/core";

const event = JSON.parse(await new Response(Deno.stdin.readable).text()) as NostrEvent;
const relay = await Relay.connect(Deno.args[0]!);
const live = new Promise<string>((resolve) => {
  const subscription = relay.subscribe([{ kinds: [event.kind], authors: [event.pubkey] }], {
    onevent: (seen) => resolve(seen.id),
    oneose: () => relay.publish(event),
  });
  void subscription;
});
const liveId = await live;
const stored = await new Promise<string[]>((resolve) => {
  const ids: string[] = [];
  relay.subscribe([{ ids: [event.id] }], {
    onevent: (seen) => ids.push(seen.id),
    oneose: () => resolve(ids),
  });
});
const counted = await relay.count([{ authors: [event.pubkey] }], {});
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ liveId, stored, counted })));
relay.close();
Deno.exit(0);
