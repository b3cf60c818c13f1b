// A khatru relay on LMDB, as its own example wires it: the peer that `bench/peers/khatru.ts` starts.
// Usage: khatru PORT DATA_DIR. LMDB writes through a synced map: an OK is on disk.
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/fiatjaf/eventstore/lmdb"
	"github.com/fiatjaf/khatru"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: khatru PORT DATA_DIR")
		os.Exit(2)
	}
	db := lmdb.LMDBBackend{Path: os.Args[2]}
	if err := db.Init(); err != nil {
		fmt.Fprintln(os.Stderr, "Cannot open LMDB:", err)
		os.Exit(1)
	}

	relay := khatru.NewRelay()
	relay.StoreEvent = append(relay.StoreEvent, db.SaveEvent)
	relay.QueryEvents = append(relay.QueryEvents, db.QueryEvents)
	relay.CountEvents = append(relay.CountEvents, db.CountEvents)
	relay.DeleteEvent = append(relay.DeleteEvent, db.DeleteEvent)
	relay.ReplaceEvent = append(relay.ReplaceEvent, db.ReplaceEvent)

	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], relay); err != nil {
		fmt.Fprintln(os.Stderr, "Cannot listen:", err)
		os.Exit(1)
	}
}
