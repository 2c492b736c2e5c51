//go:build kafka

package kafkatest_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"marshrut/internal/kafkatest"
	"marshrut/pipeline"
	"marshrut/pipeline/kafka"
	"marshrut/pipeline/pipelinetest"
)

// starter, when set, makes the test binary start a broker in that folder, say its
// address and wait to be killed.
const starter = "MARSHRUT_KAFKATEST_STARTER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(starter); dir != "" {
		b, err := kafkatest.Run(context.Background(), dir)
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println("addr:", b.Addr())
		select {}
	}
	os.Exit(m.Run())
}

func TestWhatABrokerAcknowledgedSurvivesItsKill(t *testing.T) {
	b := kafkatest.Start(t)
	k, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := k.EnsureTopics(ctx, kafka.Topic{Name: "inquiries", Partitions: 3}); err != nil {
		t.Fatal(err)
	}
	p := k.Publisher("inquiries")
	defer p.Close()
	if err := p.Publish(ctx, pipelinetest.Events(0, 300)...); err != nil {
		t.Fatal(err)
	}
	b.Kill()
	if err := b.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	reading, stop := context.WithCancel(ctx)
	err = k.Consumer("inquiries", "intake", kafka.ConsumerOptions{}).Consume(reading, func(_ context.Context, batch pipeline.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range batch.Events {
			seen[e.ID] = true
		}
		if len(seen) == 300 {
			stop()
		}
		return nil
	})
	stop()
	if err != nil || len(seen) != 300 {
		t.Errorf("after the kill %d of 300 events are there: %v", len(seen), err)
	}
}

func TestABrokerDiesWithTheProcessThatStartedIt(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), starter+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "addr: ")
	cmd.Process.Kill()
	cmd.Wait()
	if !ok {
		t.Fatalf("the starter said %q", line)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); ; {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		conn.Close()
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the broker outlives its starter")
		}
	}
}
