"""Serves rust-nostr's LocalRelay, with its events in memory, until standard input ends.

  local_relay.py PORT FILTER_LIMIT

Prints the URL when it can be reached.
"""
import asyncio
import os
import sys

from nostr_sdk import LocalRelayBuilder, RateLimit, uniffi_set_event_loop


async def main():
    uniffi_set_event_loop(asyncio.get_running_loop())
    port, filter_limit = int(sys.argv[1]), int(sys.argv[2])
    unlimited = RateLimit(max_reqs=1_000, notes_per_minute=1_000_000)
    relay = LocalRelayBuilder().port(port).max_filter_limit(filter_limit).rate_limit(unlimited).build()
    await relay.run()
    print(str(await relay.url()), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    relay.shutdown()
    # The interpreter's own end may crash in the library's threads.
    os._exit(0)


asyncio.run(main())
