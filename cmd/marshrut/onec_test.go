package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"marshrut/connectors/onec/odata"
	"marshrut/connectors/onec/onectest"
)

// lines is a buffer that others read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	said chan struct{}
	once sync.Once
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.once.Do(func() { close(l.said) })
	return l.text.Write(b)
}

func TestASimulatedBaseAnswersAndKeepsWhatWasWritten(t *testing.T) {
	file := t.TempDir() + "/base.jsonl"
	ref := odata.NewRef("simulated")
	for run := range 2 {
		ctx, stop := context.WithCancel(t.Context())
		out := &lines{said: make(chan struct{})}
		var g errgroup.Group
		g.Go(func() error {
			return (&onecSimulate{Listen: "127.0.0.1:0", User: "gateway", Password: "gateway-password", Data: file, AsSeen: true}).Run(console{ctx: ctx, out: out, err: io.Discard})
		})
		<-out.said
		out.mu.Lock()
		address := regexp.MustCompile(`http://\S+/unf`).FindString(out.text.String())
		out.mu.Unlock()
		client, err := odata.New(odata.Options{URL: address, User: "gateway", Password: "gateway-password"})
		if err != nil {
			t.Fatal(err)
		}
		if run == 0 {
			_, _, err = client.Create(t.Context(), onectest.Leads, ref, odata.Entity{"Description": "Анна"})
		} else {
			_, err = client.Get(t.Context(), onectest.Leads, ref)
		}
		if err != nil {
			t.Errorf("run %d: %v", run, err)
		}
		stop()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	}
}
