package onec

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/onec/odata"
	"marshrut/leads"
	"marshrut/pipeline"
)

// Attributes of the events of records.
const (
	attrKind    = "kind"
	attrRef     = "ref"
	attrVersion = "version"
	attrGone    = "gone"
)

const (
	partWatch = "watch"
	// maxBackoff bounds the pause after a failed change feed: a base works on each try for minutes.
	maxBackoff = 30 * time.Minute
	minBackoff = 5 * time.Second
)

// Rhythm is how often the base is asked.
func (i *Instance) Rhythm() time.Duration { return time.Duration(i.settings.Every) }

// Poll asks the base every so often for new leads and for changes, until ctx ends.
func (i *Instance) Poll(ctx context.Context, desk connectors.Desk) error {
	if err := i.pauseAfterFailure(ctx); err != nil {
		return nil
	}
	if err := i.prepare(ctx); err != nil {
		return stopped(ctx, err)
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		i.client.Close(ending) // licences are given back at once
	}()
	tick := time.NewTicker(time.Duration(i.settings.Every))
	defer tick.Stop()
	for {
		if err := i.round(ctx, desk); err != nil {
			return stopped(ctx, err)
		}
		if desk.Well != nil {
			desk.Well()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// pauseAfterFailure waits longer after each failed change feed.
func (i *Instance) pauseAfterFailure(ctx context.Context) error {
	i.mu.Lock()
	d := i.backoff
	i.mu.Unlock()
	if d == 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (i *Instance) round(ctx context.Context, desk connectors.Desk) error {
	if i.settings.Leads {
		if err := i.watch(ctx, desk); err != nil {
			return i.trouble(err)
		}
	}
	if i.settings.Plan == "" {
		return nil
	}
	err := i.changes(ctx, desk)
	i.mu.Lock()
	switch {
	case err == nil:
		i.backoff = 0
	case ctx.Err() == nil:
		i.backoff = min(max(2*i.backoff, minBackoff), maxBackoff)
	}
	i.mu.Unlock()
	if err != nil {
		return i.trouble(err)
	}
	return nil
}

// position is how far the watched set was read. Transactions of a base end in another order than their
// numbers begin, so the last records are read again each time, and told again only when they have changed.
type position struct {
	Tail []seen `json:"tail"`
}

// seen is one record that was read.
type seen struct {
	Key     string `json:"key"`
	Ref     string `json:"ref"`
	Version string `json:"version"`
}

func (p position) versions() map[string]string {
	all := make(map[string]string, len(p.Tail))
	for _, s := range p.Tail {
		all[s.Ref] = s.Version
	}
	return all
}

// maxBatch bounds events accepted at once.
const maxBatch = 100

func (i *Instance) watch(ctx context.Context, desk connectors.Desk) error {
	o := i.profile.Objects[connectors.MirrorLead]
	var at position
	begun, err := desk.Position(ctx, partWatch, &at)
	if err != nil {
		return err
	}
	if !begun && !i.settings.History {
		return i.begin(ctx, desk, o)
	}
	var next position
	known := at.versions()
	var batch []pipeline.Event
	scan := odata.Scan{Set: o.Set, Key: o.Watch, Literal: odata.String}
	if len(at.Tail) > 0 {
		scan.From = odata.String(at.Tail[0].Key)
		scan.First = len(at.Tail) + 50 // what is known and what may be new, in one call
	}
	err = i.client.Each(ctx, scan, func(raw json.RawMessage, e odata.Entity) error {
		next.add(e, o.Watch, i.settings.Overlap)
		if known[e.Ref()] == e.Version() || o.passesOver(e) || e.Deleted() {
			return nil
		}
		if batch = append(batch, i.event(connectors.MirrorLead, e.Ref(), e.Version(), "application/json", raw)); len(batch) < maxBatch {
			return nil
		}
		err := desk.Accept(ctx, batch...)
		batch = batch[:0]
		return err
	})
	if err != nil {
		return err
	}
	if err := desk.Accept(ctx, batch...); err != nil {
		return err
	}
	return desk.Advance(ctx, partWatch, next)
}

// begin passes over what was there before the connection.
func (i *Instance) begin(ctx context.Context, desk connectors.Desk, o Objects) error {
	var next position
	err := i.client.Each(ctx, odata.Scan{Set: o.Set, Key: o.Watch, Literal: odata.String, Select: "Ref_Key,DataVersion," + o.Watch},
		func(_ json.RawMessage, e odata.Entity) error {
			next.add(e, o.Watch, i.settings.Overlap)
			return nil
		})
	if err != nil {
		return err
	}
	return desk.Advance(ctx, partWatch, next)
}

// add notes a record, and forgets those before the overlap.
func (p *position) add(e odata.Entity, key string, overlap int) {
	p.Tail = append(p.Tail, seen{e.Text(key), e.Ref(), e.Version()})
	if len(p.Tail) > 2*overlap {
		p.Tail = slices.Clone(p.Tail[len(p.Tail)-overlap:])
	}
}

// changes takes what the exchange plan registered. The message is acknowledged only when all of it is durable.
func (i *Instance) changes(ctx context.Context, desk connectors.Desk) error {
	node := odata.Node{Plan: i.settings.planSet(), Ref: i.settings.Node}
	number, err := i.client.NextMessage(ctx, node)
	if err != nil {
		return err
	}
	var batch []pipeline.Event
	flush := func() error {
		err := desk.Accept(ctx, batch...)
		batch = batch[:0]
		return err
	}
	any := false
	err = i.client.SelectChanges(ctx, node, number, func(c odata.Change) error {
		any = true
		kind, ok := i.profile.kindOf(c.Set)
		if !ok {
			return nil
		}
		if batch = append(batch, i.changed(kind, c, number)); len(batch) >= maxBatch {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil || !any {
		return err
	}
	return i.client.NotifyChangesReceived(ctx, node, number)
}

func (i *Instance) changed(kind string, c odata.Change, message int64) pipeline.Event {
	if c.Deleted {
		e := i.event(kind, c.Ref, fmt.Sprintf("gone in message %d", message), "application/atom+xml", c.Raw)
		e.SetAttribute(attrGone, "1")
		return e
	}
	version := fmt.Sprintf("unread in message %d", message) // what cannot be read is kept, and holds nobody back
	if entity, err := odata.DecodeEntry(c.Raw); err == nil {
		version = entity.Version()
	}
	return i.event(kind, c.Ref, version, "application/atom+xml", c.Raw)
}

// event is a record on its way: the same version of an object is the same event, whichever way it was found.
func (i *Instance) event(kind, ref, version, contentType string, raw []byte) pipeline.Event {
	c := i.connection
	sum := sha256.Sum256([]byte(ref + version))
	e := pipeline.Event{
		ID: pipeline.ID(c.Name, "id", ref, version), Source: "/connections/" + c.Name, Type: "ru.marshrut.record." + Connector,
		Subject: ref, Time: time.Now(), Key: pipeline.ID(c.Name, ref), Connection: c.Name, Connector: c.Connector, Provider: c.Provider,
		DataContentType: contentType, Data: c.Redact(slices.Clone(raw)),
	}
	e.SetAttribute(attrKind, kind)
	e.SetAttribute(attrRef, ref)
	e.SetAttribute(attrVersion, version)
	e.SetAttribute(connectors.AttrHash, hex.EncodeToString(sum[:]))
	return e
}

func sortFields(fields []leads.Field) {
	slices.SortFunc(fields, func(a, b leads.Field) int { return strings.Compare(a.Key, b.Key) })
}
