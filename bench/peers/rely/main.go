// A rely relay on LMDB (the eventstore that khatru uses): the peer that `bench/peers/rely.ts` starts.
// Usage: rely PORT DATA_DIR. LMDB writes through a synced map: an OK is on disk.
// The queues are larger than rely's defaults, which refuse and disconnect under the load that the others answer.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/fiatjaf/eventstore/lmdb"
	"github.com/nbd-wtf/go-nostr"
	"github.com/pippellia-btc/rely"
)

const (
	queueCapacity = 65_536
	responseLimit = 16_384
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: rely PORT DATA_DIR")
		os.Exit(2)
	}
	db := lmdb.LMDBBackend{Path: os.Args[2]}
	if err := db.Init(); err != nil {
		fmt.Fprintln(os.Stderr, "Cannot open LMDB:", err)
		os.Exit(1)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()

	relay := rely.NewRelay(
		rely.WithDomain("127.0.0.1"),
		rely.WithQueueCapacity(queueCapacity),
		rely.WithClientResponseLimit(responseLimit),
		rely.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))),
	)
	relay.On.Event = func(_ rely.Client, event *nostr.Event) error { return save(ctx, &db, event) }
	relay.On.Req = func(ctx context.Context, _ rely.Client, filters nostr.Filters) ([]nostr.Event, error) {
		return query(ctx, &db, filters)
	}
	if err := relay.StartAndServe(ctx, "127.0.0.1:"+os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "Cannot serve:", err)
		os.Exit(1)
	}
}

func save(ctx context.Context, db *lmdb.LMDBBackend, event *nostr.Event) error {
	switch {
	case nostr.IsEphemeralKind(event.Kind):
		return nil
	case nostr.IsReplaceableKind(event.Kind), nostr.IsAddressableKind(event.Kind):
		return db.ReplaceEvent(ctx, event)
	default:
		return db.SaveEvent(ctx, event)
	}
}

func query(ctx context.Context, db *lmdb.LMDBBackend, filters nostr.Filters) ([]nostr.Event, error) {
	var events []nostr.Event
	for _, filter := range filters {
		found, err := db.QueryEvents(ctx, filter)
		if err != nil {
			return nil, err
		}
		for event := range found {
			events = append(events, *event)
		}
	}
	return events, nil
}
