/**
 * Tests of the relay information document. Runs on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { readConfig } from "../config/config.ts";
import { NIPS } from "./nips.ts";
import { relayInformation } from "./relay_information.ts";

const SOFTWARE = { name: "https://example.com/sluice", version: "1.2.3" };

Deno.test("the document shows the limits of the configuration", () => {
  const config = readConfig({
    MAX_MESSAGE_LENGTH: "2000",
    MAX_SUBSCRIPTIONS: "3",
    MAX_LIMIT: "40",
    DEFAULT_LIMIT: "30",
    MAX_SUBID_LENGTH: "20",
    MAX_EVENT_TAGS: "10",
    MAX_CONTENT_LENGTH: "900",
    MIN_POW_DIFFICULTY: "8",
    CREATED_AT_LOWER_LIMIT: "600",
    CREATED_AT_UPPER_LIMIT: "60",
  });
  assertEquals(relayInformation(config, SOFTWARE).limitation, {
    max_message_length: 2_000,
    max_subscriptions: 3,
    max_limit: 40,
    max_subid_length: 20,
    max_event_tags: 10,
    max_content_length: 900,
    min_pow_difficulty: 8,
    auth_required: false,
    payment_required: false,
    restricted_writes: true,
    created_at_lower_limit: 600,
    created_at_upper_limit: 60,
    default_limit: 30,
  });
});

Deno.test("what is not set is absent, not null or empty", () => {
  const information = relayInformation(readConfig({}), SOFTWARE);
  assertEquals(Object.keys(information), [
    "name",
    "description",
    "supported_nips",
    "software",
    "version",
    "limitation",
  ]);
  assert(!("created_at_lower_limit" in information.limitation));
  assertEquals(information.limitation.restricted_writes, false);
});

Deno.test("software is the project's address, and absent where only its name is known", () => {
  assertEquals(relayInformation(readConfig({}), SOFTWARE).software, SOFTWARE.name);
  assert(!("software" in relayInformation(readConfig({}), { name: "sluice", version: "1.2.3" })));
});

Deno.test("the operator's texts appear under NIP-11's names", () => {
  const information = relayInformation(
    readConfig({
      RELAY_NAME: "n",
      RELAY_DESCRIPTION: "d",
      RELAY_PUBKEY: "a".repeat(64),
      RELAY_CONTACT: "mailto:a@b.example",
      RELAY_ICON: "https://b.example/i.png",
      RELAY_BANNER: "https://b.example/b.png",
      RELAY_TERMS: "https://b.example/terms",
    }),
    SOFTWARE,
  );
  assertEquals(information.name, "n");
  assertEquals(information.description, "d");
  assertEquals(information.pubkey, "a".repeat(64));
  assertEquals(information.contact, "mailto:a@b.example");
  assertEquals(information.icon, "https://b.example/i.png");
  assertEquals(information.banner, "https://b.example/b.png");
  assertEquals(information.terms_of_service, "https://b.example/terms");
  assertEquals([information.software, information.version], ["https://example.com/sluice", "1.2.3"]);
});

Deno.test("the registry is in order, without repetition, and each NIP names its test", () => {
  const numbers = NIPS.map(({ number }) => number);
  assertEquals(numbers, [...new Set(numbers)].sort((a, b) => a - b));
  const open = relayInformation(readConfig({}), SOFTWARE);
  assertEquals(open.supported_nips, numbers.filter((number) => number !== 43));
  const joined = readConfig({
    MEMBERSHIP: "write",
    RELAY_SECRET_KEY: "1".repeat(64),
    RELAY_URL: "wss://r.example",
  });
  assertEquals(relayInformation(joined, SOFTWARE).supported_nips, numbers);
  assertEquals(relayInformation(joined, SOFTWARE, { self: "a".repeat(64) }).self, "a".repeat(64));
  assertEquals(open.self, undefined);
  assertEquals(NIPS[0]?.test, "tests/protocol/nip01_test.ts");
});
