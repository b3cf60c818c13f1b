/** Tests of what language an event is taken to be in. */
import { assertEquals } from "@std/assert";
import { languageOf, readLanguage } from "./language.ts";

const NO_LABEL = { tags: [] };

Deno.test("languageOf() guesses the language of a sentence", () => {
  const sentences: Record<string, string> = {
    en: "Just setting up my relay, let's see how it goes",
    de: "Ich habe heute einen neuen Relay gestartet",
    fr: "Bonjour tout le monde, comment allez-vous aujourd'hui ?",
    es: "Hoy vamos a hablar de dinero y de la libertad",
    pt: "Olá pessoal, vocês já viram o novo aplicativo?",
    ja: "日本語のテキストです",
    zh: "今天天气很好，我们去公园吧",
    ko: "안녕하세요 여러분",
    ru: "Привет мир, как дела",
    th: "สวัสดีตอนเช้า",
    he: "שלום עולם",
  };
  for (const [language, text] of Object.entries(sentences)) {
    assertEquals(languageOf(NO_LABEL, text), language, text);
  }
});

Deno.test("languageOf() says nothing of what is too short or no language", () => {
  for (
    const text of ["", "gm", "gm nostr", "apple", "🔥🔥🔥", "12345 67890", "https://example.com/der/die/das"]
  ) {
    assertEquals(languageOf(NO_LABEL, text), "", text);
  }
  const key = "npub1" + "q".repeat(58);
  assertEquals(languageOf(NO_LABEL, `nostr:${key} #bitcoin @satoshi wss://relay.example.com`), "");
});

Deno.test("languageOf() believes a label of its author before any guess", () => {
  const text = "Just setting up my relay, let's see how it goes";
  const labelled = (...tags: string[][]) => languageOf({ tags }, text);
  assertEquals(labelled(["l", "de", "ISO-639-1"]), "de");
  assertEquals(labelled(["l", "pt-BR", "ISO-639-1"]), "pt");
  assertEquals(labelled(["l", "de"]), "en", "a label of no name space");
  assertEquals(labelled(["l", "de", "colours"]), "en", "a label of another name space");
  assertEquals(labelled(["l", "german", "ISO-639-1"], ["l", "DE", "ISO-639-1"]), "de");
  assertEquals(labelled(["L", "ISO-639-1"], ["l"], []), "en");
});

Deno.test("readLanguage() takes codes of two letters, with a region or without", () => {
  assertEquals(["en", "EN", "pt-BR", "zh_hant"].map(readLanguage), ["en", "en", "pt", "zh"]);
  assertEquals(["", "e", "eng", "english", "e1", "en-"].map(readLanguage), Array(6).fill(null));
});
