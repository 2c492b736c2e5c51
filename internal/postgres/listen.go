package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Listen calls wake with the payload of every notification on the channel until
// ctx ends, then returns nil. It connects again by itself when the server was
// away, and calls wake("") after each connect: what was said meanwhile is lost,
// so the caller has to look. wake must not block.
func Listen(ctx context.Context, pool *pgxpool.Pool, channel string, wake func(payload string)) error {
	const longest = 5 * time.Second
	pause := 50 * time.Millisecond
	for ctx.Err() == nil {
		err := listen(ctx, pool, channel, func(payload string) {
			pause = 50 * time.Millisecond
			wake(payload)
		})
		if ctx.Err() != nil {
			return nil
		}
		slog.Debug("listening was interrupted", "channel", channel, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			pause = min(2*pause, longest)
		}
	}
	return nil
}

func listen(ctx context.Context, pool *pgxpool.Pool, channel string, wake func(string)) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to listen on %s: %w", channel, err)
	}
	// Not given back: a pooled connection that listens would buffer for ever.
	raw := conn.Hijack()
	defer raw.Close(context.WithoutCancel(ctx))
	if _, err := raw.Exec(ctx, "listen "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("listen on %s: %w", channel, err)
	}
	wake("")
	for {
		n, err := raw.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait on %s: %w", channel, err)
		}
		wake(n.Payload)
	}
}
