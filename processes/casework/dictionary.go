package casework

import (
	"context"
	"fmt"
	"sync"
	"time"

	"marshrut/leads"
)

// dictionary is what leads are described with, as of a moment ago.
type dictionary struct {
	own     []leads.OwnField
	reasons []leads.LossReason
	funnels []leads.Funnel
}

// stage finds a stage of a funnel.
func (d *dictionary) stage(funnel, key string) (leads.Stage, bool) {
	for _, f := range d.funnels {
		for _, s := range f.Stages {
			if f.Key == funnel && s.Key == key {
				return s, true
			}
		}
	}
	return leads.Stage{}, false
}

// dictionaryCache holds the dictionary for as long as it is fresh: every click
// needs it. One caller at a time reads it anew, the others meanwhile go by the
// old one: most of them stand in a transaction, and must not all want a second
// connection at once.
type dictionaryCache struct {
	mu      sync.Mutex
	held    *dictionary
	until   time.Time
	reading sync.Mutex
}

func (d *dictionaryCache) get() (held *dictionary, fresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held, time.Now().Before(d.until)
}

func (d *dictionaryCache) keep(held *dictionary) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held, d.until = held, time.Now().Add(fresh)
}

func (d *dictionaryCache) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = time.Time{}
}

func (c *Casework) dictionary(ctx context.Context) (*dictionary, error) {
	held, isFresh := c.words.get()
	if isFresh {
		return held, nil
	}
	if held != nil && !c.words.reading.TryLock() {
		return held, nil
	}
	if held == nil {
		c.words.reading.Lock()
	}
	defer c.words.reading.Unlock()
	if now, isFresh := c.words.get(); isFresh {
		return now, nil
	}
	read, err := c.readDictionary(ctx)
	switch {
	case err == nil:
		c.words.keep(read)
		return read, nil
	case held != nil:
		c.log.WarnContext(ctx, "the dictionaries cannot be read, going by the old ones", "error", err)
		return held, nil
	}
	return nil, err
}

func (c *Casework) readDictionary(ctx context.Context) (*dictionary, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var d dictionary
	var err error
	if d.own, err = c.repo.OwnFields(ctx); err != nil {
		return nil, fmt.Errorf("list own fields: %w", err)
	}
	if d.reasons, err = c.repo.LossReasons(ctx); err != nil {
		return nil, fmt.Errorf("list reasons: %w", err)
	}
	if d.funnels, err = c.repo.Funnels(ctx); err != nil {
		return nil, fmt.Errorf("list funnels: %w", err)
	}
	return &d, nil
}
