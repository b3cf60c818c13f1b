/**
 * Asks a domain whether a name there is an author's (NIP-05). An event of a client decides whom the relay calls, so:
 * HTTPS at port 443 with a valid certificate only, addresses of the public Internet only and those that were looked at,
 * no redirect, and bounds on time and bytes.
 * Runs on the indexer's thread; no state.
 *
 * @module
 */
import { NIP05_ANSWER_BYTES_MAX, NIP05_MS_MAX } from "../../lib/limits.ts";
import { HttpAnswerReader } from "../../lib/nip05/http_answer.ts";
import type { DueIdentity } from "../../lib/nip05/identities.ts";
import { isPublicAddress } from "../../lib/network/public_address.ts";
import type { Verdict } from "../../lib/nip05/verdict.ts";

/** What it asks with; tests give other means. */
export interface Nip05Means {
  /** The addresses of a domain. */
  readonly resolve: (domain: string) => Promise<readonly string[]>;
  readonly mayCall: (address: string) => boolean;
  readonly port: number;
  /** Authorities besides those that are known (PEM). */
  readonly caCerts: string[];
  readonly msMax: number;
}

/** What a check says, and why, for the log. */
export interface Nip05Answer {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** The means of a relay. */
export const NIP05_MEANS: Nip05Means = {
  resolve: resolveAddresses,
  mayCall: isPublicAddress,
  port: 443,
  caCerts: [],
  msMax: NIP05_MS_MAX,
};

/** Asks. Never throws, and has ended all that it began when it resolves, apart from what DNS and TCP do on their own. */
export async function checkIdentity(asked: DueIdentity, means: Nip05Means): Promise<Nip05Answer> {
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  const open: Closing = { connection: null, isOver: false };
  const timer = setTimeout(() => {
    end(open);
    late.reject(new Error(`no answer within ${means.msMax} ms`));
  }, means.msMax);
  try {
    return await Promise.race([ask(asked, means, open), late.promise]);
  } catch (error) {
    return { verdict: "unknown", reason: (error as Error).message };
  } finally {
    clearTimeout(timer);
    end(open);
  }
}

/** What is to be closed when the check is over, at whatever step it is. */
interface Closing {
  connection: Deno.Conn | null;
  isOver: boolean;
}

function end(open: Closing): void {
  open.isOver = true;
  try {
    open.connection?.close();
  } catch {
    // It has closed by itself.
  }
  open.connection = null;
}

async function ask(
  { author, name, domain }: DueIdentity,
  means: Nip05Means,
  open: Closing,
): Promise<Nip05Answer> {
  const addresses = await means.resolve(domain);
  const [address] = addresses;
  if (address === undefined) return { verdict: "unknown", reason: "the domain has no address" };
  const hidden = addresses.find((one) => !means.mayCall(one));
  if (hidden !== undefined) return { verdict: "refuted", reason: `"${hidden}" is not a public address` };
  if (open.isOver) throw new Error("too late");
  // The address that was looked at: the name may mean another one at the next look.
  const plain = await Deno.connect({ hostname: address, port: means.port });
  open.connection = plain;
  if (open.isOver) throw tooLate(open);
  const secure = await Deno.startTls(plain, {
    hostname: domain,
    caCerts: means.caCerts,
    alpnProtocols: ["http/1.1"],
  });
  open.connection = secure;
  if (open.isOver) throw tooLate(open);
  await writeAll(secure, requestText(name, domain));
  const { status, body } = await readAnswer(secure);
  return verdictOf(author, name, status, body);
}

function tooLate(open: Closing): Error {
  end(open);
  return new Error("too late");
}

function requestText(name: string, domain: string): string {
  return [
    `GET /.well-known/nostr.json?name=${encodeURIComponent(name)} HTTP/1.1`,
    `Host: ${domain}`,
    "Accept: application/json",
    "Accept-Encoding: identity",
    "User-Agent: sluice",
    "Connection: close",
    "\r\n",
  ].join("\r\n");
}

async function writeAll(connection: Deno.Conn, text: string): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
}

async function readAnswer(connection: Deno.Conn) {
  const room = new Uint8Array(NIP05_ANSWER_BYTES_MAX);
  const reader = new HttpAnswerReader();
  let used = 0;
  while (true) {
    if (used === room.length) throw new Error(`the answer is longer than ${room.length} bytes`);
    // A server that closes without saying so in TLS has said all that it says.
    const bytes = await connection.read(room.subarray(used)).catch((error) => {
      if (error instanceof Deno.errors.UnexpectedEof) return null;
      throw error;
    });
    used += bytes ?? 0;
    const answer = reader.read(room.subarray(0, used), bytes === null);
    if (answer !== null) return answer;
  }
}

/** A redirect is no answer (NIP-05: it must be ignored), and neither is a page that says "not found". */
function verdictOf(author: string, name: string, status: number, body: Uint8Array): Nip05Answer {
  if (status >= 500 || status === 429 || status < 200) {
    return { verdict: "unknown", reason: `the server answered with status ${status}` };
  }
  if (status !== 200) return { verdict: "refuted", reason: `the server answered with status ${status}` };
  let names: unknown;
  try {
    names = (JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown> | null)?.names;
  } catch {
    return { verdict: "refuted", reason: "the answer is not JSON" };
  }
  const isNamed = typeof names === "object" && names !== null && Object.hasOwn(names, name) &&
    (names as Record<string, unknown>)[name] === author;
  return isNamed
    ? { verdict: "verified", reason: "named" }
    : { verdict: "refuted", reason: "the name is not this author's there" };
}

/** By DNS alone: what the machine's own files name is nobody's business. */
async function resolveAddresses(domain: string): Promise<string[]> {
  const name = `${domain}.`;
  const found = await Promise.allSettled([Deno.resolveDns(name, "A"), Deno.resolveDns(name, "AAAA")]);
  return found.flatMap((result) => result.status === "fulfilled" ? result.value : []);
}
