"""Syncs a database of rust-nostr with a relay by negentropy, and tells what came of it.

  sync.py RELAY_URL DATABASE_DIRECTORY < JSON of {"filter": …, "events": […]}

Puts the events into the database, syncs both ways, and prints the ids of the summary and of the database after it.
"""
import asyncio
import json
import os
import sys

from nostr_sdk import (
    ClientBuilder, Event, Filter, NostrLmdb, RelayUrl, SyncDirection, SyncOptions,
    uniffi_set_event_loop,
)


async def main():
    uniffi_set_event_loop(asyncio.get_running_loop())
    given = json.load(sys.stdin)
    database = await NostrLmdb.open(sys.argv[2])
    for event in given["events"]:
        await database.save_event(Event.from_json(json.dumps(event)))
    client = ClientBuilder().database(database).build()
    await client.add_relay(RelayUrl.parse(sys.argv[1]))
    await client.connect()
    chosen = Filter.from_json(json.dumps(given["filter"]))
    options = SyncOptions().direction(SyncDirection.BOTH)
    output = await client.sync(chosen, opts=options)
    held = await database.query(chosen)
    print(json.dumps({
        "summary": str(output),
        "held": sorted(event.id().to_hex() for event in held),
    }))
    await client.shutdown()
    sys.stdout.flush()
    # The interpreter's own end may crash in the library's threads, after the work is done.
    os._exit(0)


asyncio.run(main())
