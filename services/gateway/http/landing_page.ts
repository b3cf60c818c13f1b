/**
 * The landing page: what this relay is, how to connect, what it serves and where its limits are.
 * Everything from the operator is escaped by the template; the page loads nothing but the operator's own icon.
 * Runs on a gateway thread; holds no state.
 *
 * @module
 */
import { html, raw } from "hono/html";
import { NIPS, twoDigits } from "../../../lib/relay/nips.ts";
import type { RelayInformation, RelayLimitation } from "../../../lib/relay/relay_information.ts";
import { STYLE, STYLE_HASH } from "./landing_style.ts";
import type { RelayStatus } from "./relay_status.ts";
import { pagePolicy } from "./page_policy.ts";

/** Text that is ready to stand in a page. */
type Markup = ReturnType<typeof raw>;
type Fact = readonly [name: string, value: string | Markup];

/** A gate in a stream: three lines of water through two posts. */
const EMBLEM = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img" aria-hidden="true">' +
  '<rect width="64" height="64" rx="14" fill="#0f6e78"/><g fill="none" stroke="#fff" stroke-width="4" ' +
  'stroke-linecap="round"><path d="M20 12v40M44 12v40" opacity=".55"/><path d="M10 24q5.5-5 11 0t11 0 11 0 11 0"/>' +
  '<path d="M10 35q5.5-5 11 0t11 0 11 0 11 0"/><path d="M10 46q5.5-5 11 0t11 0 11 0 11 0"/></g></svg>';
const FAVICON = `data:image/svg+xml,${encodeURIComponent(EMBLEM)}`;

/** The content security policy of the page. */
export function landingPolicy(information: RelayInformation): string {
  const icons = information.icon === undefined ? [] : [new URL(information.icon).origin];
  return pagePolicy(STYLE_HASH, icons);
}

/** The page, for clients that connect to `url`. */
export function landingPage(status: RelayStatus, url: string): Markup | Promise<Markup> {
  const information = status.information();
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${information.name} · Nostr relay</title>
        <meta name="description" content="${information.description}">
        <link rel="icon" href="${FAVICON}">
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <main>
    <header>
    ${information.icon === undefined ? raw(EMBLEM) : html`<img src="${information.icon}" alt="">`}
    <div><h1>${information.name}</h1><p class="soft">A relay of the Nostr network</p></div>
    </header>
    <p class="intro">${information.description}</p>
    <div class="address">
    <code>${url}</code>
    <p class="soft">Add this address to the relays of your Nostr client.</p>
    </div>
    ${section("Limits", limitFacts(information.limitation))}
    <section>
    <h2>Protocol</h2>
    <ul>${NIPS.filter(({ number }) => information.supported_nips.includes(number)).map(nipItem)}</ul>
    </section>
    ${section("Operation", operationFacts(status))}
    <footer>
    <span>${information.software} ${information.version}</span>
    <a href="/health">Health</a>
    <a href="/metrics">Metrics</a>
    <span>For programs: <code>Accept: application/nostr+json</code></span>
    </footer>
        </main>
      </body>
    </html>
  `;
}

function section(title: string, facts: readonly Fact[]): Markup | Promise<Markup> {
  const rows = facts.map(([name, value]) =>
    html`
      <dt>${name}</dt>
      <dd>${value}</dd>
    `
  );
  return html`
    <section>
      <h2>${title}</h2>
      <dl>${rows}</dl>
    </section>
  `;
}

function nipItem({ number, title }: { number: number; title: string }): Markup | Promise<Markup> {
  const name = twoDigits(number);
  const address = `https://github.com/nostr-protocol/nips/blob/master/${name}.md`;
  return html`<li><a href="${address}" rel="noreferrer"><b>${name}</b> ${title}</a></li>`;
}

function limitFacts(limits: RelayLimitation): Fact[] {
  const facts: Fact[] = [
    ["Message", `${count(limits.max_message_length)} bytes`],
    ["Content", `${count(limits.max_content_length)} characters`],
    ["Tags of an event", count(limits.max_event_tags)],
    ["Subscriptions", `${count(limits.max_subscriptions)} a connection`],
    ["Subscription id", `${count(limits.max_subid_length)} characters`],
    ["Events a filter", `${count(limits.max_limit)}; ${count(limits.default_limit)} unless asked for more`],
    ["Time of an event", timeLimit(limits)],
  ];
  if (limits.min_pow_difficulty > 0) {
    facts.push(["Proof of work", `${limits.min_pow_difficulty} leading zero bits`]);
  }
  return facts;
}

function timeLimit(limits: RelayLimitation): string {
  const future = `at most ${count(limits.created_at_upper_limit)} s in the future`;
  const past = limits.created_at_lower_limit;
  return past === undefined ? future : `at most ${count(past)} s in the past, ${future}`;
}

function operationFacts(status: RelayStatus): Fact[] {
  const information = status.information();
  const promise = status.durability === "full"
    ? "is on disk before its OK, and survives a power failure"
    : "is in the database before its OK, and survives a crash of the relay";
  const facts: Fact[] = [["A stored event", promise]];
  if (information.pubkey !== undefined) facts.push(["Operator", code(information.pubkey)]);
  if (information.contact !== undefined) facts.push(["Contact", linked(information.contact)]);
  if (information.terms_of_service !== undefined) facts.push(["Terms", linked(information.terms_of_service)]);
  return facts;
}

function code(text: string): Markup {
  return html`<code>${text}</code>` as Markup;
}

/** A link when the text is an address that is safe to follow, else the text. */
function linked(text: string): string | Markup {
  return /^(https?:\/\/|mailto:)/i.test(text)
    ? html`<a href="${text}" rel="noreferrer">${text}</a>` as Markup
    : text;
}

function count(value: number): string {
  return value.toLocaleString("en");
}
