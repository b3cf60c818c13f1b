/**
 * Every attack of the trial `hostile`. Runs in the process of whoever calls the trial; constants only.
 *
 * @module
 */
import type { Attack } from "./attack.ts";
import { collidingTags, plainTags } from "./colliding_tags.ts";
import { compressedMessages } from "./compressed_messages.ts";
import { counts } from "./counts.ts";
import { foldedAuthors } from "./folded_authors.ts";
import { longScans } from "./long_scans.ts";
import { managementPosts } from "./management_posts.ts";
import { manyAddresses } from "./many_addresses.ts";
import { manySubscriptions } from "./many_subscriptions.ts";
import { negentropySessions } from "./negentropy_sessions.ts";
import { nestedJson } from "./nested_json.ts";
import { privateLimits } from "./private_limits.ts";
import { requestCycles } from "./request_cycles.ts";
import { searches } from "./searches.ts";
import { silentReaders } from "./silent_readers.ts";
import { slowRequests } from "./slow_requests.ts";
import { smallFrames } from "./small_frames.ts";
import { spacedTexts } from "./spaced_texts.ts";
import { taggedEvents } from "./tagged_events.ts";

/** All of them. */
export const ATTACKS: readonly Attack[] = [
  collidingTags,
  compressedMessages,
  counts,
  foldedAuthors,
  longScans,
  managementPosts,
  manyAddresses,
  manySubscriptions,
  negentropySessions,
  nestedJson,
  plainTags,
  privateLimits,
  requestCycles,
  searches,
  silentReaders,
  slowRequests,
  smallFrames,
  spacedTexts,
  taggedEvents,
];
