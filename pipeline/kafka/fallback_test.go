package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres/postgrestest"
	"marshrut/pipeline"
	"marshrut/pipeline/kafka"
	"marshrut/pipeline/pipelinetest"
	"marshrut/pipeline/spool"
)

// broker is a Kafka that can die and come back with its data on its address.
type broker interface {
	Addr() string
	Kill()
	Restart(ctx context.Context) error
}

// fake is the in-process broker, made to keep its data.
type fake struct {
	dir     string
	port    int
	cluster *kfake.Cluster
}

func newFake(t *testing.T) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port}
	l.Close()
	if err := f.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Kill)
	return f
}

func (f *fake) Addr() string { return fmt.Sprintf("127.0.0.1:%d", f.port) }

func (f *fake) Kill() {
	if f.cluster != nil {
		f.cluster.Close()
	}
	f.cluster = nil
}

func (f *fake) Restart(context.Context) (err error) {
	f.Kill()
	f.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(f.port), kfake.DataDir(f.dir), kfake.SyncWrites(), kfake.GroupMinSessionTimeout(time.Second))
	return err
}

func TestTheSpoolStandsInWhileTheInProcessKafkaIsAway(t *testing.T) {
	standIn(t, newFake(t))
}

// ledger is what was acknowledged and what has arrived.
type ledger struct {
	mu      sync.Mutex
	acked   map[string]pipeline.Event
	arrived map[string]int
	wrong   []string
}

func (l *ledger) handle(_ context.Context, b pipeline.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range b.Events {
		l.arrived[e.ID]++
		if want := fmt.Sprintf(`{"n":%s}`, e.Attributes["n"]); string(e.Data) != want {
			l.wrong = append(l.wrong, fmt.Sprintf("%s has %q, want %q", e.ID, e.Data, want))
		}
	}
	return nil
}

func (l *ledger) missing() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for id := range l.acked {
		if l.arrived[id] == 0 {
			n++
		}
	}
	return n
}

// standIn kills the broker while events are published, and starts it again: no
// publisher is refused, and every acknowledged event arrives, once after its ID
// is folded, through Kafka.
func standIn(t *testing.T, b broker) {
	quiet := slog.New(slog.DiscardHandler)
	k, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	if err := k.EnsureTopics(t.Context(), kafka.Topic{Name: "inquiries", Partitions: 6}); err != nil {
		t.Fatal(err)
	}
	first := k.Publisher("inquiries")
	t.Cleanup(first.Close)
	second := spool.New(postgrestest.New(t), "inquiries", spool.Options{RetryMax: time.Second, Log: quiet})
	t.Cleanup(second.Close)
	way := pipeline.NewFallback(first, second, pipeline.FallbackOptions{RetryMax: time.Second, Log: quiet})

	l := &ledger{acked: map[string]pipeline.Event{}, arrived: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var running errgroup.Group
	running.Go(func() error { return pipeline.Forward(second, first)(ctx) })
	running.Go(func() error { return k.Consumer("inquiries", "intake", kafka.ConsumerOptions{}).Consume(ctx, l.handle) })
	t.Cleanup(func() {
		stop()
		if err := running.Wait(); err != nil {
			t.Error(err)
		}
	})

	n := 0
	publish := func(until func() bool) {
		deadline := time.Now().Add(2 * time.Minute)
		for !until() {
			if time.Now().After(deadline) {
				t.Fatalf("after %d events it has not come to what was waited for", n)
			}
			burst(t, way, l, n, 20)
			n += 20
		}
	}
	times := func(count int) func() bool {
		return func() bool { count--; return count < 0 }
	}
	publish(times(20))
	b.Kill()
	publish(times(20))
	if primary, secondary := way.Healthy(); primary || !secondary {
		t.Fatalf("with Kafka dead the paths are healthy so: %v, %v", primary, secondary)
	}
	if depth, _, err := second.Depth(t.Context()); err != nil || depth == 0 {
		t.Fatalf("with Kafka dead the spool holds %d events: %v", depth, err)
	}
	if err := b.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish(func() bool { primary, _ := way.Healthy(); return primary })
	publish(times(5))

	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(2 * time.Minute); ; {
		depth, _, err := second.Depth(t.Context())
		if err == nil && depth == 0 && l.missing() == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d of %d acknowledged events are missing; the spool holds %d (%v)", l.missing(), len(l.acked), depth, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.wrong {
		t.Error(w)
	}
	repeats := 0
	for id, times := range l.arrived {
		if _, ok := l.acked[id]; !ok {
			t.Errorf("%s arrived and was never published", id)
		}
		repeats += times - 1
	}
	t.Logf("%d events, none lost, %d repeats folded by their IDs", len(l.acked), repeats)
}

// burst publishes count events at once, each with some seconds: a busy machine is
// slow, and what is asked here is that nothing is lost. All
// must be taken: one of the paths always works.
func burst(t *testing.T, way *pipeline.Fallback, l *ledger, from, count int) {
	var g errgroup.Group
	for i := from; i < from+count; i++ {
		g.Go(func() error {
			e := pipelinetest.Event(i)
			e.Attributes = map[string]string{"n": fmt.Sprint(i)}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if err := way.Publish(ctx, e); err != nil {
				return fmt.Errorf("event %d was refused: %w", i, err)
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			l.acked[e.ID] = e
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}
