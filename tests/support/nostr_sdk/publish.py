"""Publishes events with rust-nostr's client, and fetches what a filter asks for.

  publish.py RELAY_URL < JSON of {"filter": …, "events": […]}

Prints the ids that were fetched, sorted.
"""
import asyncio
import json
import os
import sys
from datetime import timedelta

from nostr_sdk import ClientBuilder, Event, Filter, RelayUrl, ReqTarget, uniffi_set_event_loop


async def main():
    uniffi_set_event_loop(asyncio.get_running_loop())
    given = json.load(sys.stdin)
    client = ClientBuilder().build()
    await client.add_relay(RelayUrl.parse(sys.argv[1]))
    await client.connect()
    for event in given["events"]:
        await client.send_event(Event.from_json(json.dumps(event)))
    chosen = Filter.from_json(json.dumps(given["filter"]))
    events = await client.fetch_events(ReqTarget.auto([chosen]), timeout=timedelta(seconds=10))
    print(json.dumps(sorted(event.id().to_hex() for event in events)))
    await client.shutdown()
    sys.stdout.flush()
    # The interpreter's own end may crash in the library's threads, after the work is done.
    os._exit(0)


asyncio.run(main())
