/** Tests of strfry's router file: as its documentation writes it, as the format allows it, and as no file should be. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { STREAMS_FILE_DEPTH_MAX } from "../limits.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { RoutingError } from "./routing_error.ts";
import { readStrfryRouter } from "./strfry_router.ts";
import { parseTaoConfig, plainValue } from "./tao_config.ts";

const DOCUMENTED = `
    connectionTimeout = 20

    streams {
        ## Stream down events from our friend relays

        friends {
            dir = "down"
            pluginDown = "/opt/spam-filter.js"

            urls = [
                "wss://nos.lol"
                "wss://relayable.org"
            ]
        }

        ## Bi-directional streaming within our cluster

        cluster {
            dir = "both"

            urls = [
                "wss://eu.example.com"
                "wss://na.example.com"
            ]
        }

        ## Backup profiles and contact lists to our directory node

        directory {
            dir = "up"
            filter = { "kinds": [0, 3] }

            urls = [
                "ws://internal-directory.example.com"
            ]
        }
    }
`;

const plain = (text: string) => plainValue(parseTaoConfig(text));

Deno.test("the documented example of strfry's router is read as it is", () => {
  const none = { pluginUp: null, pluginDown: null };
  assertEquals(readStrfryRouter(DOCUMENTED), {
    streams: [
      {
        ...none,
        name: "friends",
        direction: "down",
        filter: {},
        urls: ["wss://nos.lol", "wss://relayable.org"],
        pluginDown: "/opt/spam-filter.js",
      },
      {
        ...none,
        name: "cluster",
        direction: "both",
        filter: {},
        urls: ["wss://eu.example.com", "wss://na.example.com"],
      },
      {
        ...none,
        name: "directory",
        direction: "up",
        filter: { kinds: [0, 3] },
        urls: ["ws://internal-directory.example.com"],
      },
    ],
    connectMsMax: 20_000,
    settings: {},
    ignored: [],
  });
});

Deno.test("a stream that is written twice merges, and its later fields replace the earlier ones", () => {
  const { streams } = readStrfryRouter(`
    streams { friends { dir = "down", urls = [ "wss://a.example.com", ] } }
    streams.friends { dir = "both" urls += [ 'wss://B.example.com/' "wss://a.example.com" ] }
    streams.friends.filter = { kinds: [1] limit: 5 }  // no comma
  `);
  assertEquals(streams.length, 1);
  assertEquals([streams[0]!.direction, streams[0]!.urls, streams[0]!.filter], [
    "both",
    ["wss://a.example.com", "wss://b.example.com"],
    { kinds: [1] },
  ]);
});

Deno.test("the format's values, comments and additions mean what its documentation says", () => {
  assertEquals(
    plain(`#!/bin/x\n{ "ip": "127.0.0.2", /* two\nlines */ 'port': 27960, maps: [ "ztn" "dm13", ], } // end`),
    {
      ip: "127.0.0.2",
      port: 27960,
      maps: ["ztn", "dm13"],
    },
  );
  assertEquals(plain(`foo = [ 1 2 ] + [ 3 ] foo += [ 4 5 ] foo [ 6 7 ]`), { foo: [1, 2, 3, 4, 5, 6, 7] });
  assertEquals(plain(`foo = 42 + 10 foo += 3 bar = "a" + "b" bar += 'c'`), { foo: 55, bar: "abc" });
  assertEquals(plain(`foo { a = 1 b = 2 c = 3 } foo { a = 10 b += 20 d = 40 }`), {
    foo: { a: 10, b: 22, c: 3, d: 40 },
  });
  assertEquals(plain(`foo { bar.baz += 1 } foo.bar { baz += 1 } foo.bar.baz += 1`), {
    foo: { bar: { baz: 3 } },
  });
  assertEquals(plain(`a = 42 a = delete a += 44 b { c = 1 } b { c = delete } d = [1] d = [2]`), {
    a: 44,
    b: {},
    d: [2],
  });
  assertEquals(plain(`a = 0x1F b = -1.5e3 c = +7 d = .5 deleted = true null = null "#t" = false`), {
    a: 31,
    b: -1500,
    c: 7,
    d: 0.5,
    deleted: true,
    null: null,
    "#t": false,
  });
  assertEquals(plain(String.raw`a = "\"\n\u00e9\u{1f389}\/" b = '"\'' c = """` + `\nx\\y "z"\n"""`), {
    a: '"\n\u00e9\u{1f389}/',
    b: `"'`,
    c: 'x\\y "z"\n',
  });
  assertEquals(plain("__proto__ { a = 1 }"), JSON.parse('{"__proto__":{"a":1}}'));
  assertEquals(plain(""), {});
});

Deno.test("errors name line, column and what is wrong", () => {
  const stream = (fields: string) => `streams {\n  s {\n    ${fields}\n  }\n}`;
  const good = `dir = "up" urls = ["wss://a.example.com"]`;
  for (
    const [text, message] of [
      ["connectionTimeout = 5", 'line 1, column 1: "streams" is missing'],
      ["streams = 5", 'line 1, column 11: "streams" is not an object'],
      ["streams { a = 5 }", 'line 1, column 15: stream "a" is not an object'],
      [
        "streams {}\nconnectionTimeout = 0",
        'line 2, column 21: "connectionTimeout" is not a number of seconds from 1 to 3600',
      ],
      [stream(`urls = ["wss://a.example.com"]`), 'line 2, column 3: "dir" of stream "s": it is missing'],
      [
        stream(`dir = "sideways"`),
        'line 3, column 11: "dir" of stream "s": it is not "up", "down" or "both"',
      ],
      [stream(`dir = "up"`), 'line 2, column 3: "urls" of stream "s": it is missing'],
      [stream(`dir = "up" urls = []`), 'line 3, column 23: "urls" of stream "s": it names no relay'],
      [
        stream(`dir = "up" urls = ["wss://a.example.com" "http://b.example.com"]`),
        'line 3, column 46: "urls" of stream "s": it is not a URL with ws:// or wss:// and without credentials',
      ],
      [
        stream(`${good} filter = { kinds: [true] }`),
        '"filter" of stream "s": "kinds" holds something that is not',
      ],
      [stream(`${good} filter = [{}]`), '"filter" of stream "s": a filter is not an object'],
      [stream(`${good} filter = { search: "x" }`), '"filter" of stream "s": a stream cannot search'],
      [stream(`${good} pluginUp = 5`), '"pluginUp" of stream "s": it is not a command'],
      [stream(`${good} filer = { kinds: [1] }`), '"filer" is unknown; "filter" may be meant'],
      [`streams { "${"x".repeat(101)}" { ${good} } }`, "a stream's name has 1 to 100 characters"],
      ["streams {", "line 1, column 10: a name is expected, but there is the end of the file"],
      ["streams }", 'line 1, column 9: "=" or "{" is expected behind a name, but there is "}"'],
      ["{ streams {} } x = 1", 'line 1, column 16: nothing may follow the last "}", but "x" does'],
      ["a = down", 'line 1, column 5: "down" needs quotes'],
      ['a = "x\ny"', "line 1, column 5: the string does not end on its line"],
      ["a = 'x", "line 1, column 5: the string does not end on its line"],
      ['a = """x', "line 1, column 5: the string has no end"],
      [
        String.raw`a = "\x"`,
        "line 1, column 6: a backslash stands before a character that it does not change",
      ],
      ["/* x", 'line 1, column 1: "/*" has no "*/"'],
      ["a = [1] + {}", "line 1, column 11: it cannot be added to what it follows"],
      ["a = 1e999", 'line 1, column 5: "1e999" is too large a number'],
      ["a = 1x", "line 1, column 6: a number ends in the middle of a word"],
      ['a = (env "X")', "line 1, column 5: references and extensions in parentheses are not supported"],
      ['(include "x")', "line 1, column 1: extensions such as (include) are not supported"],
      ["a.*.b = 1", 'line 1, column 3: "*" in names is not supported'],
      [
        `a = ${"[".repeat(STREAMS_FILE_DEPTH_MAX + 1)}`,
        `arrays and objects lie deeper than ${STREAMS_FILE_DEPTH_MAX} levels`,
      ],
      ["x".repeat(2 ** 21), "the file is longer than 1048576 bytes"],
    ] as const
  ) {
    const error = assertThrows(() => readStrfryRouter(text), RoutingError);
    assert(error.message.includes(message), `${text}\n${error.message}\n${message}`);
  }
});

Deno.test("a field that strfry ignores is ignored, and told of", () => {
  const { ignored } = readStrfryRouter(
    'streams { s { dir = "up" urls = ["ws://a"] note = "x" } }\nowner = 1',
  );
  assertEquals(ignored, [
    'line 1, column 44: "note" is unknown and ignored',
    'line 2, column 1: "owner" is unknown and ignored',
  ]);
});

Deno.test("a changed file is read, or refused by an error that names a place", () => {
  const prng = seededPrng("changed files of streams");
  const parts = [
    ..."{}[]()=:+-,.*#/\\\"'$\n0e",
    "/*",
    "*/",
    "//",
    "+=",
    '"""',
    "delete",
    "true",
    "\u0000",
    "é",
    "streams",
  ];
  let read = 0;
  for (let round = 0; round < 10_000; round++) {
    let text = DOCUMENTED;
    for (let change = prng.int(1, 4); change > 0; change--) {
      const at = prng.int(0, text.length);
      const cut = prng.chance(0.5) ? prng.int(0, 30) : 0;
      text = text.slice(0, at) + (prng.chance(0.8) ? prng.pick(parts) : "") + text.slice(at + cut);
    }
    try {
      const { streams } = readStrfryRouter(text);
      for (const { urls } of streams) assert(urls.length > 0);
      read++;
    } catch (error) {
      assert(error instanceof RoutingError, `${text}\n${error}`);
      assert(/^Cannot read streams, line \d+, column \d+: /.test(error.message), error.message);
    }
  }
  assert(read > 100 && read < 9_900, `${read} were read`);
});

Deno.test("a long file costs time in proportion to its length", () => {
  const lines = 30_000;
  assertEquals(Object.keys(plain("a[0] a { b = 1 }\n".replace("a {", "c {").repeat(lines)) as object), [
    "a",
    "c",
  ]);
  assertEquals((plain("a[0]\n".repeat(lines)) as { a: number[] }).a.length, lines);
  assertEquals((plain("a += 'x'\n".repeat(lines)) as { a: string }).a.length, lines);
  assertThrows(() => plain(`a = ${"{b:".repeat(300_000)}`), RoutingError);
  assertThrows(() => plain(`${"/".repeat(500_000)}\n${"#\n".repeat(200_000)}}`), RoutingError);
});
