/**
 * A conversation for tests without a socket: what it sends is kept, and the test plays the relay and the clock.
 * Runs on a test's thread, which owns it.
 *
 * @module
 */
import type { RelayKey } from "../relay/relay_key.ts";
import { Conversation } from "./conversation.ts";
import type { Failure } from "./failure.ts";
import { UNKNOWN_LIMITS } from "./polite_limits.ts";
import type { PoliteLimits } from "./relay_conversation.ts";

/** What a test decides. */
interface FixtureOptions {
  readonly limits?: Partial<PoliteLimits>;
  readonly key?: RelayKey;
  readonly isKnown?: (id: string) => boolean;
  readonly keepsEchoes?: boolean;
}

/** See the module's text. */
export class ConversationFixture {
  readonly conversation: Conversation;
  /** What was sent and not yet taken, parsed. */
  readonly sent: unknown[][] = [];
  /** Why the conversation has ended itself. */
  readonly failures: Failure[] = [];
  /** What listeners heard, as texts. */
  readonly heard: string[] = [];
  nowMs = 1_700_000_000_000;

  constructor({ limits = {}, key, isKnown, keepsEchoes = false }: FixtureOptions = {}) {
    this.conversation = new Conversation({
      url: "wss://relay.example.com",
      limits: { ...UNKNOWN_LIMITS, ...limits },
      send: (text) => this.sent.push(JSON.parse(text)),
      fail: (failure) => this.failures.push(failure),
      clock: () => this.nowMs,
      random: () => 0.5,
      key: key ?? null,
      keepsEchoes,
      ...(isKnown !== undefined && { isKnown }),
    });
  }

  /** The relay says something. */
  receive(...message: unknown[]): void {
    this.conversation.receive(JSON.stringify(message));
  }

  /** Time passes, with a tick each second. */
  pass(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs = Math.min(end, this.nowMs + 1_000);
      this.conversation.tick();
    }
  }

  /** Takes what was sent. */
  take(): unknown[][] {
    return this.sent.splice(0);
  }

  /** Opens a subscription whose events are written down under a name. */
  subscribe(name: string, ...filters: Record<string, unknown>[]) {
    return this.conversation.subscribe(filters, {
      event: (_text, id) => this.heard.push(`${name} event ${id.slice(0, 4)}`),
      eose: () => this.heard.push(`${name} eose`),
      closed: (message) => this.heard.push(`${name} closed ${message}`),
    });
  }

  /** Opens a comparison whose answers are written down. */
  compare(filter: Record<string, unknown> = {}) {
    return this.conversation.compare(filter, new Uint8Array([0x61, 1]), {
      message: (bytes) => this.heard.push(`message ${bytes.toHex()}`),
      failed: (reason) => this.heard.push(`failed ${reason}`),
    });
  }

  /** Publishes, and writes the answer down. */
  publish(text: string, id: string): void {
    this.conversation.publish(text, id).then(
      ({ accepted, message }) => this.heard.push(`${id.slice(0, 4)} ${accepted} ${message}`),
      (error) => this.heard.push(`${id.slice(0, 4)} ${error.message}`),
    );
  }

  /** Lets promises settle, and takes what listeners heard. */
  async hear(): Promise<string[]> {
    // Three steps of promises lie between an answer and the text about it.
    for (let step = 0; step < 5; step++) await Promise.resolve();
    return this.heard.splice(0);
  }
}
