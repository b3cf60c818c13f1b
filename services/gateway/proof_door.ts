/**
 * What a gateway asks about proofs of who sends a request: the relay's own URLs, the keys that manage it, `API_TOKEN`, and
 * which proofs were used before, at any gateway.
 * Runs on the gateway's thread; what was used is shared memory.
 *
 * @module
 */
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import { HTTP_AUTH_SECONDS_MAX } from "../../lib/limits.ts";
import { pageRequestUrls } from "../../lib/nostr/http_auth.ts";
import { hasSameSecret } from "../../lib/nostr/same_secret.ts";
import { RateTable } from "../../lib/policy/rate_table.ts";
import { adminsOf } from "../../lib/relay/members.ts";
import { ownUrls } from "../../lib/relay/own_urls.ts";
import { eventFault } from "../../lib/verify/event_fault.ts";
import type { SignatureVerifier } from "../../lib/verify/verifier.ts";
import { relayMs } from "../../wire/relay_clock.ts";
import type { ProofDoor } from "./http/request_proof.ts";

/** What it is made of. */
interface ProofMeans {
  readonly settings: ConfigFollower;
  readonly verifier: SignatureVerifier;
  /** The relay's rates: a proof that was used is a bucket that is empty for as long as the proof holds. */
  readonly rates: SharedArrayBuffer;
}

/** See the module's text. */
export function proofDoor({ settings, verifier, rates }: ProofMeans): ProofDoor {
  const own = ownUrls(settings.config);
  const spent = new RateTable(rates).buckets("proofs", {
    burst: 1,
    perSecond: 1 / (2 * HTTP_AUTH_SECONDS_MAX),
  });
  return {
    urls: (target) => own.flatMap((url) => pageRequestUrls(url, target)),
    mayManage: (pubkey) => adminsOf(settings.config).has(pubkey),
    eventFault: (event) => eventFault(event, verifier),
    isToken(text) {
      const { API_TOKEN } = settings.config;
      return API_TOKEN !== null && hasSameSecret(text, API_TOKEN);
    },
    spend({ id }) {
      const nowMs = relayMs();
      if (spent.waitMs(id, 1, nowMs) > 0) return false;
      spent.spend(id, 1, nowMs);
      return true;
    },
  };
}
