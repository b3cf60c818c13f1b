/**
 * NIP-65: relay lists are taken from everybody, so that people can be found.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import type { Rule } from "../rule.ts";
import { now } from "../signer.ts";
import type { Subject } from "../subject.ts";

async function takesLists(relay: Subject): Promise<string> {
  await using connection = await relay.join();
  const key = relay.key();
  const tags = [["r", "wss://relay.example.com"], ["r", "wss://read.example.com", "read"]];
  const [older, newer] = [100, 50].map((age) =>
    relay.sign(key, { kind: 10_002, tags, created_at: now() - age })
  );
  await relay.accept(connection, older!);
  await relay.accept(connection, newer!);
  await relay.find(connection, { authors: [key.pubkey], kinds: [10_002] }, [newer!.id]);
  return "a stranger's relay list is stored, and replaced by a newer one";
}

export const NIP65_RULES: readonly Rule[] = [
  {
    id: "65/lists-from-everybody",
    nip: 65,
    section: "Discoverability",
    level: "advised",
    says: "Relay lists spread to as many relays as viable: they are taken from everybody.",
    check: takesLists,
  },
];
