/**
 * A client of NDK in a process of its own: proves its key where the relay asks for it (NIP-42), publishes an event, sees
 * it live, asks for it.
 * `deno run ndk_client.ts RELAY_URL < SECRET_KEY_IN_HEX`; prints what it saw as JSON.
 *
 * @module
 */
import NDK, { NDKEvent, NDKPrivateKeySigner, NDKRelayAuthPolicies } from "@nostr-dev-kit/ndk";

const CONNECT_MS = 5_000;
const url = Deno.args[0]!;
const signer = new NDKPrivateKeySigner(await new Response(Deno.stdin.readable).text());
const ndk = new NDK({ explicitRelayUrls: [url], signer, enableOutboxModel: false });
ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk });
await ndk.connect(CONNECT_MS);
const authors = [(await signer.user()).pubkey];

const subscription = ndk.subscribe({ kinds: [1], authors }, { closeOnEose: false });
const live = new Promise<string>((resolve) => {
  subscription.on("event", (event: NDKEvent) => resolve(event.id));
});
await new Promise<void>((resolve) => subscription.on("eose", () => resolve()));
const event = new NDKEvent(ndk, { kind: 1, content: "by NDK" });
const relays = await event.publish();
const liveId = await live;
const stored = [...await ndk.fetchEvents({ ids: [event.id] })].map(({ id, content }) => ({ id, content }));
const seen = { id: event.id, relays: [...relays].map((relay) => relay.url), liveId, stored };
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(seen)));
Deno.exit(0);
