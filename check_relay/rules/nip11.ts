/**
 * NIP-11: the document, its headers, and whether the limits in it are the ones that hold.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { isObject } from "../information.ts";
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import type { Subject } from "../subject.ts";

function documentOf(relay: Subject): Readonly<Record<string, unknown>> {
  const { document, status } = relay.information;
  if (document !== null) return document;
  if (relay.lists(11)) demand(false, `no JSON object, HTTP status ${status}`);
  throw new NotApplicable(`the relay serves no document (HTTP status ${status}), and NIP-11 is optional`);
}

function isServed(relay: Subject): Promise<string> {
  const fields = Object.keys(documentOf(relay));
  demand(relay.information.status === 200, `HTTP status ${relay.information.status}`);
  return Promise.resolve(`fields: ${fields.join(", ")}`);
}

function contentType(relay: Subject): Promise<string> {
  documentOf(relay);
  const type = relay.information.headers.get("content-type") ?? "none";
  demand(
    type.startsWith("application/nostr+json") || type.startsWith("application/json"),
    `Content-Type ${type}`,
  );
  return Promise.resolve(type);
}

async function cors(relay: Subject): Promise<string> {
  documentOf(relay);
  const names = [
    "access-control-allow-origin",
    "access-control-allow-headers",
    "access-control-allow-methods",
  ];
  const preflight = await fetch(relay.httpUrl, {
    method: "OPTIONS",
    headers: {
      Origin: "https://client.example.com",
      "Access-Control-Request-Method": "GET",
      "Access-Control-Request-Headers": "accept",
    },
    signal: AbortSignal.timeout(relay.answerMs),
  });
  await preflight.body?.cancel();
  for (const name of names) {
    const value = relay.information.headers.get(name) ?? preflight.headers.get(name);
    demand(value !== null, `no ${name}, neither on GET nor on OPTIONS`);
  }
  const origin = relay.information.headers.get(names[0]!);
  demand(origin !== null, `no ${names[0]} on GET`);
  return `allowed origin ${origin}`;
}

const TEXTS = [
  "name",
  "description",
  "banner",
  "icon",
  "pubkey",
  "self",
  "contact",
  "software",
  "version",
  "terms_of_service",
  "payments_url",
];
const NUMBERS = [
  "max_message_length",
  "max_subscriptions",
  "max_limit",
  "max_subid_length",
  "max_event_tags",
  "max_content_length",
  "min_pow_difficulty",
  "created_at_lower_limit",
  "created_at_upper_limit",
  "default_limit",
];
const FLAGS = ["auth_required", "payment_required", "restricted_writes"];

function types(relay: Subject): Promise<string> {
  const document = documentOf(relay);
  for (const name of TEXTS) {
    const value = document[name] ?? "";
    demand(typeof value === "string", `${name} is ${brief(value)}`);
  }
  for (const name of ["pubkey", "self"]) {
    const value = document[name] || "0".repeat(64);
    demand(/^[0-9a-f]{64}$/.test(String(value)), `${name} is no key: ${brief(value)}`);
  }
  const limitation = document.limitation ?? {};
  demand(isObject(limitation), `limitation is ${brief(limitation)}`);
  for (const [names, type] of [[NUMBERS, "number"], [FLAGS, "boolean"]] as const) {
    const wrong = names.find((name) => ![type, "undefined"].includes(typeof limitation[name]));
    demand(wrong === undefined, `limitation.${wrong} is ${brief(limitation[wrong!])}`);
  }
  return Promise.resolve("every known field has its type");
}

function supportedNips(relay: Subject): Promise<string> {
  const { supported_nips: nips } = documentOf(relay);
  if (nips === undefined) throw new NotApplicable("there is no supported_nips");
  demand(Array.isArray(nips) && nips.every(Number.isInteger), `supported_nips is ${brief(nips)}`);
  return Promise.resolve(nips.join(", "));
}

function software(relay: Subject): Promise<string> {
  const value = documentOf(relay).software;
  if (!value) throw new NotApplicable("there is no software");
  demand(URL.canParse(String(value).replace(/^git\+/, "")), `software is ${brief(value)}`);
  return Promise.resolve(String(value));
}

const rule = { nip: 11, level: "required" } as const;

export const NIP11_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "11/document",
    section: "Relay Information Document",
    says: "A GET with Accept: application/nostr+json at the relay's own address brings a JSON document.",
    check: isServed,
  },
  {
    ...rule,
    id: "11/content-type",
    section: "Relay Information Document",
    level: "advised",
    says: "The document is called JSON.",
    check: contentType,
  },
  {
    ...rule,
    id: "11/cors",
    section: "Relay Information Document",
    says: "Access-Control-Allow-Origin, -Headers and -Methods are sent.",
    check: cors,
  },
  {
    ...rule,
    id: "11/field-types",
    section: "Field Descriptions",
    says: "Fields have the types that the NIP gives them; keys are 32 bytes of hex.",
    check: types,
  },
  {
    ...rule,
    id: "11/supported-nips",
    section: "Supported NIPs",
    says: "supported_nips is an array of integers.",
    check: supportedNips,
  },
  { ...rule, id: "11/software", section: "Software", says: "software is a URL.", check: software },
];
