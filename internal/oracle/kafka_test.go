//go:build kafka

package oracle

import (
	"context"
	"net/http"
	"testing"
	"time"

	"marshrut/internal/kafkatest"
)

// broker is a real Apache Kafka, to be killed.
type broker struct{ *kafkatest.Broker }

func (b broker) String() string { return "Kafka" }

func (b broker) kill(context.Context) error {
	b.Kill()
	return nil
}

func (b broker) terminate(context.Context) error {
	b.Stop()
	return nil
}

func (b broker) start(ctx context.Context) error { return b.Restart(ctx) }

// topology is that of docker-compose.yml, as plain processes.
var topology = [][2]string{{"edge", "edge"}, {"worker-1", "worker"}, {"worker-2", "worker"}, {"web", "web"}}

func TestNothingAcknowledgedIsLostWhoeverIsKilledWithKafka(t *testing.T) {
	number := seed(t)
	kafka := broker{kafkatest.Start(t)}
	c := newCompany(t, kafka.Addr(), topology...)
	victims := []victim{kafka, c.postgres}
	for _, g := range c.processes {
		victims = append(victims, g)
	}
	c.ordeal(t, number, span(t, 40*time.Second), 60, victims...)
	c.passes(t)
}

func TestOnePathIsEnoughForTheEdge(t *testing.T) {
	kafka := broker{kafkatest.Start(t)}
	c := newCompany(t, kafka.Addr(), topology...)
	s := newSender(c.edge(), "paths", 1)
	taken := func(what string) {
		t.Helper()
		for range 20 {
			if status, err := s.once(t.Context()); err != nil || status != http.StatusAccepted {
				t.Errorf("%s the edge answers %d (%v), want 202", what, status, err)
			}
		}
	}
	taken("with both paths")

	if err := c.postgres.kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	taken("without PostgreSQL")
	kafka.Kill()
	s.refused(t)

	if err := c.postgres.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.accepted(t) // by the spool
	taken("without Kafka")
	if err := kafka.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.settle(t.Context(), t, s, drain)
	c.inspect(t.Context(), t, s, newManager(c.web(), c.bearer))
	c.passes(t)
}

// accepted wants the edge to say 202 again soon.
func (s *sender) accepted(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		switch status, err := s.once(ctx); {
		case err == nil && status == http.StatusAccepted:
			return
		case err != nil || status != http.StatusServiceUnavailable || !pause(ctx, 50*time.Millisecond):
			t.Fatalf("the edge answers %d (%v), want 202 again", status, err)
		}
	}
}
