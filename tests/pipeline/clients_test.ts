/**
 * Clients that others wrote, against the real program: nostr-tools over ws and wss, NDK and rust-nostr's SDK over ws (its
 * sync is in `tests/protocol/nip77_test.ts`). Runs in the test process; each client has a process of its own.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { installNostrSdk, publishWithNostrSdk } from "../support/nostr_sdk.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, type TestEvent, testKey } from "../support/sign.ts";

const CLIENT = new URL("../support/nostr_tools_client.ts", import.meta.url).pathname;
const NDK_CLIENT = new URL("../support/ndk_client.ts", import.meta.url).pathname;
const PROJECT = new URL("../../deno.json", import.meta.url).pathname;
const hasNostrSdk = await installNostrSdk();

function runNostrTools(url: string, event: TestEvent, flags: readonly string[] = []): Promise<unknown> {
  return runClient(url, CLIENT, JSON.stringify(event), flags);
}

async function runClient(
  url: string,
  program: string,
  input: string,
  flags: readonly string[] = [],
): Promise<unknown> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net=127.0.0.1", "--allow-env", `--config=${PROJECT}`, ...flags, program, url],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`Cannot run client "${url}": ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** A certificate for 127.0.0.1 that signs itself. */
async function makeCertificate(directory: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [`${directory}/cert.pem`, `${directory}/key.pem`];
  const args = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
  ];
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const extensions = ["-addext", "basicConstraints=critical,CA:FALSE"];
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [...args, ...names, ...extensions, "-keyout", key, "-out", cert],
  }).output();
  if (!success) throw new Error(`Cannot make certificate "${cert}": ${new TextDecoder().decode(stderr)}`);
  return { cert, key };
}

Deno.test("nostr-tools publishes, sees its event live, finds it stored and counts it, over ws", async () => {
  await using relay = await startRelay();
  const event = signEvent(testKey(1), { content: "by nostr-tools" });
  assertEquals(await runNostrTools(relay.url, event), { liveId: event.id, stored: [event.id], counted: 1 });
});

Deno.test("nostr-tools does the same over wss", async () => {
  const directory = await Deno.makeTempDir({ prefix: "sluice-tls-" });
  try {
    const { cert, key } = await makeCertificate(directory);
    await using relay = await startRelay({ env: { TLS_CERT: cert, TLS_KEY: key } });
    const event = signEvent(testKey(2), { content: "by nostr-tools, in secret" });
    const seen = await runNostrTools(relay.url, event, [`--cert=${cert}`]);
    assertEquals(seen, { liveId: event.id, stored: [event.id], counted: 1 });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** What NDK saw, which has to be one event of its own, stored and live. */
async function runNdk(url: string, secret: Uint8Array): Promise<void> {
  const seen = await runClient(url, NDK_CLIENT, secret.toHex()) as Record<string, unknown>;
  const { id } = seen;
  assertMatch(id as string, /^[0-9a-f]{64}$/);
  assertEquals(seen, { id, relays: [`${url}/`], liveId: id, stored: [{ id, content: "by NDK" }] });
}

Deno.test("NDK publishes, sees its event live and finds it stored", async () => {
  await using relay = await startRelay();
  await runNdk(relay.url, testKey(4).secret);
});

Deno.test("NDK proves its key where the relay asks for it, and does the same", async () => {
  await using relay = await startRelay();
  await relay.restart({ RELAY_URL: `${relay.url}/`, AUTH_TO_READ: "true", AUTH_TO_WRITE: "true" });
  await runNdk(relay.url, testKey(5).secret);
});

Deno.test({
  name: "rust-nostr's SDK publishes events and fetches them",
  ignore: !hasNostrSdk,
  fn: async () => {
    await using relay = await startRelay();
    const events = [1, 2, 3].map((n) =>
      signEvent(testKey(3), { content: `by rust-nostr ${n}`, created_at: 1_700_000_000 + n })
    );
    const fetched = await publishWithNostrSdk(relay.url, { authors: [events[0]!.pubkey] }, events);
    assertEquals(fetched, events.map(({ id }) => id).toSorted());
  },
});
