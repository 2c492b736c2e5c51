package casework

import (
	"context"
	"slices"
	"sync"
	"time"

	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/leads/repository"
)

// dictionary is what leads are described with, as of a moment ago.
type dictionary repository.Dictionaries

// stage finds a stage of a funnel.
func (d *dictionary) stage(funnel, key string) (leads.Stage, bool) {
	for _, f := range d.Funnels {
		for _, s := range f.Stages {
			if f.Key == funnel && s.Key == key {
				return s, true
			}
		}
	}
	return leads.Stage{}, false
}

func (d *dictionary) hasFunnel(key string) bool {
	return slices.ContainsFunc(d.Funnels, func(f leads.Funnel) bool { return f.Key == key })
}

// dictionaryCache holds the dictionary for as long as it is fresh: every click
// needs it.
type dictionaryCache struct {
	mu    sync.Mutex
	held  *dictionary
	until time.Time
}

func (d *dictionaryCache) get() (*dictionary, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held, time.Now().Before(d.until)
}

func (d *dictionaryCache) keep(held *dictionary) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held, d.until = held, time.Now().Add(fresh)
}

// dictionary is read over db: whoever stands in a transaction must not need a
// second connection.
func (c *Casework) dictionary(ctx context.Context, db postgres.DB) (*dictionary, error) {
	if held, ok := c.words.get(); ok {
		return held, nil
	}
	read, err := c.repo.Dictionary(ctx, db)
	if err != nil {
		return nil, err
	}
	words := dictionary(read)
	c.words.keep(&words)
	return &words, nil
}
