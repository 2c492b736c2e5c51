package kafka

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

// lines are the connections of one member of a group. kafka-go has no way to break
// off a request to join, and its answer takes up to 25 s while the group waits for
// a member that died, or a broker hangs: longer than a stop may take. Hanging up is
// that way.
type lines struct {
	mu   sync.Mutex
	open map[*line]bool
}

// line is a connection that is known until it is closed.
type line struct {
	net.Conn
	of *lines
}

func (l *line) Close() error {
	l.of.mu.Lock()
	delete(l.of.open, l)
	l.of.mu.Unlock()
	return l.Conn.Close()
}

// dialer is d with every connection remembered.
func (ls *lines) dialer(d *kafka.Dialer) *kafka.Dialer {
	remembering, plain := *d, net.Dialer{}
	remembering.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := plain.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		l := &line{conn, ls}
		ls.mu.Lock()
		defer ls.mu.Unlock()
		if ls.open == nil {
			ls.open = map[*line]bool{}
		}
		ls.open[l] = true
		return l, nil
	}
	return &remembering
}

// all are the connections that are open now.
func (ls *lines) all() (open []*line) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for l := range ls.open {
		open = append(open, l)
	}
	return open
}

// leave closes the group: the batches at hand finish first, then what kafka-go
// still waits for is broken off. To tell the group that it left it dials anew.
func leave(group *kafka.ConsumerGroup, ls *lines, atHand *sync.WaitGroup) error {
	old := ls.all()
	var leaving errgroup.Group
	leaving.Go(group.Close)
	atHand.Wait()
	var problems []error
	for _, l := range old {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			problems = append(problems, err)
		}
	}
	return errors.Join(append(problems, leaving.Wait())...)
}
