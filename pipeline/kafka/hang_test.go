package kafka_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"marshrut/pipeline"
	"marshrut/pipeline/kafka"
	"marshrut/pipeline/pipelinetest"
)

// freezer is a network whose far side can stop reading, as a broker does whose
// machine hangs: connections stand, nothing is answered.
type freezer struct {
	mu     sync.Mutex
	frozen chan struct{} // nil: not frozen; closed at the thaw
}

func (f *freezer) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = make(chan struct{})
}

func (f *freezer) thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.frozen)
	f.frozen = nil
}

func (f *freezer) wait() {
	f.mu.Lock()
	c := f.frozen
	f.mu.Unlock()
	if c != nil {
		<-c
	}
}

func (f *freezer) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	return frozenListener{l, f}, err
}

type frozenListener struct {
	net.Listener
	f *freezer
}

func (l frozenListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return frozenConn{c, l.f}, err
}

type frozenConn struct {
	net.Conn
	f *freezer
}

func (c frozenConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.f.wait()
	return n, err
}

func TestAPublishToABrokerThatHangsEndsWithItsContext(t *testing.T) {
	network := &freezer{}
	f, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(network.listen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	k, err := kafka.New(kafka.Config{Brokers: f.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := k.EnsureTopics(t.Context(), kafka.Topic{Name: "inquiries", Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	known := k.Publisher("inquiries")
	if err := known.Publish(t.Context(), pipelinetest.Event(0)); err != nil {
		t.Fatal(err)
	}
	network.freeze()
	for name, p := range map[string]*kafka.Publisher{"which has published before": known, "which has not": k.Publisher("inquiries")} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		began := time.Now()
		err := p.Publish(ctx, pipelinetest.Event(1))
		cancel()
		if took := time.Since(began); err == nil || took > 2*time.Second {
			t.Errorf("a publisher %s: after %s: %v", name, took, err)
		}
	}
	// Many callers who give up leave nothing behind that fills memory or refuses
	// the next ones.
	for range 1200 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		err := known.Publish(ctx, pipelinetest.Event(2))
		cancel()
		if err == nil || errors.Is(err, pipeline.ErrOverloaded) {
			t.Fatalf("on a broker that hangs: %v", err)
		}
	}
	network.thaw()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := known.Publish(ctx, pipelinetest.Event(3)); err != nil {
		t.Errorf("after the thaw: %v", err)
	}
	known.Close()
}
