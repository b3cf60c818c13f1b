/**
 * Opens a connection to another relay and holds the conversation over it: its limits, its time-outs, its end.
 * Runs on the caller's thread, which owns what it gets.
 *
 * @module
 */
import { UPSTREAM_TICK_MS } from "../lib/limits.ts";
import type { RelayKey } from "../lib/relay/relay_key.ts";
import { Conversation } from "../lib/upstream/conversation.ts";
import type { Failure } from "../lib/upstream/failure.ts";
import { UNKNOWN_LIMITS } from "../lib/upstream/polite_limits.ts";
import type { PoliteLimits } from "../lib/upstream/relay_conversation.ts";
import { openRelaySocket, type RelaySocket, type RelaySocketOptions } from "./relay_socket.ts";

/** How to open one. */
export interface OpenConversationOptions extends Omit<RelaySocketOptions, "onText" | "onClosed"> {
  /** What the relay's document says; the defaults where nobody has read it. */
  readonly limits?: PoliteLimits;
  /** The key that answers AUTH; none by default. */
  readonly key?: RelayKey | null;
  readonly isKnown?: (id: string) => boolean;
  readonly keepsEchoes?: boolean;
  /** Milliseconds since 1970; the system's by default. */
  readonly clock?: () => number;
  /** The connection has ended, after the conversation has told all that waited. */
  readonly onEnded?: (failure: Failure) => void;
}

/** A conversation and the socket below it. */
export interface OpenConversation {
  readonly conversation: Conversation;
  readonly socket: RelaySocket;
  /** Reads nothing more until `resume`; no time passes for what is awaited. */
  pause(): void;
  resume(): void;
  /** Closes politely, and resolves when the connection has ended. */
  close(): Promise<void>;
}

/**
 * Opens a conversation.
 *
 * @param url Normalized (`lib/nostr/relay_url.ts`).
 * @throws {RelayFailure} where the connection does not come about.
 */
export async function openConversation(
  url: string,
  options: OpenConversationOptions,
): Promise<OpenConversation> {
  const {
    limits = UNKNOWN_LIMITS,
    key = null,
    clock = Date.now,
    isKnown,
    keepsEchoes,
    onEnded,
    ...connecting
  } = options;
  const over = Promise.withResolvers<void>();
  // What a relay sends at once, such as a challenge, comes before there is a conversation.
  let early: string[] | null = [];
  let ended: Failure | null = null;
  let conversation: Conversation | null = null;
  let ticking: ReturnType<typeof setInterval> | undefined;
  const socket = await openRelaySocket(url, {
    ...connecting,
    onText: (text) => early === null ? conversation!.receive(text) : void early.push(text),
    onClosed: (failure) => {
      ended = failure;
      clearInterval(ticking);
      conversation?.ended(failure.reason);
      over.resolve();
      onEnded?.(failure);
    },
  });
  const made = conversation = new Conversation({
    url,
    limits,
    key,
    send: (text) => socket.send(text),
    fail: (failure) => socket.fail(failure),
    clock,
    random: Math.random,
    ...(isKnown !== undefined && { isKnown }),
    ...(keepsEchoes !== undefined && { keepsEchoes }),
  });
  const texts = early;
  early = null;
  for (const text of texts) made.receive(text);
  if (ended === null) ticking = setInterval(() => made.tick(), UPSTREAM_TICK_MS);
  else made.ended((ended as Failure).reason);
  return {
    conversation: made,
    socket,
    pause() {
      socket.pause();
      made.pause();
    },
    resume() {
      made.resume();
      socket.resume();
    },
    close() {
      socket.close();
      return over.promise;
    },
  };
}
