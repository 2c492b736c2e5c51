package onec

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/onec/odata"
	"marshrut/pipeline"
)

// Attributes of the events of records.
const (
	attrKind    = "kind"
	attrRef     = "ref"
	attrVersion = "version"
	attrGone    = "gone"
	attrEarlier = "earlier"
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
	if err := i.prepare(ctx); err != nil {
		return stopped(ctx, err)
	}
	defer i.giveBack(ctx)
	tick := time.NewTicker(time.Duration(i.settings.Every))
	defer tick.Stop()
	for {
		whole, err := i.round(ctx, desk)
		if err != nil {
			return stopped(ctx, err)
		}
		if whole && desk.Well != nil {
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

// round asks for new leads, and for changes if they may be asked for. whole is false when they may not: nobody knows then whether all is
// well.
func (i *Instance) round(ctx context.Context, desk connectors.Desk) (whole bool, err error) {
	if i.settings.Leads {
		if err := i.watch(ctx, desk); err != nil {
			return false, i.trouble(err)
		}
	}
	if i.settings.Plan == "" {
		return true, nil
	}
	if i.feed.rests(time.Now()) {
		return false, nil
	}
	err = i.changes(ctx, desk)
	if err == nil {
		i.feed = rest{}
		return true, nil
	}
	if ctx.Err() == nil && laborious(err) {
		i.feed.again(time.Now(), minBackoff, maxBackoff)
	}
	return false, i.trouble(err)
}

// rest is the pause after something that failed, longer each time.
type rest struct {
	pause time.Duration
	until time.Time
}

func (r rest) rests(now time.Time) bool { return now.Before(r.until) }

func (r *rest) again(now time.Time, least, most time.Duration) {
	r.pause = min(max(2*r.pause, least), most)
	r.until = now.Add(r.pause)
}

// laborious: the base has worked on what it failed at, or may be still. One that was not reached, or began no session, has not.
func laborious(err error) bool {
	var nodeless *connectors.Trouble // nothing was asked for: there is no node to ask as
	return !errors.As(err, &nodeless) && !odata.Is(err, odata.Unavailable, odata.NoSession, odata.Forbidden, odata.NotPublished, odata.NotOData)
}

// position is how far the watched set was read. Transactions of a base end in another order than their
// numbers begin, so the last records are read again each time, and told again only when they have changed.
type position struct {
	Tail []seen `json:"tail"`
	// Strays are the latest ones before the tail, and Asked is the minute in which they were asked for: a round in which
	// nothing is new leaves the position as it was, and that is not written again.
	Strays []seen    `json:"strays,omitempty"`
	Asked  time.Time `json:"asked,omitzero"`
	// Begun is when leads that were there before were passed over, zero if they were not.
	Begun time.Time `json:"begun,omitzero"`
}

// seen is one record that was read.
type seen struct {
	Key     string `json:"key"`
	Ref     string `json:"ref"`
	Version string `json:"version"`
}

func (p position) versions() map[string]string {
	all := make(map[string]string, len(p.Tail))
	for _, s := range slices.Concat(p.Strays, p.Tail) {
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
	next := position{Begun: at.Begun, Asked: time.Now().Truncate(time.Minute)}
	known := at.versions()
	var batch []pipeline.Event
	scan := odata.Scan{Set: o.Set, Key: o.Watch, Literal: odata.String}
	if len(at.Tail) > 0 {
		scan.From = odata.String(at.Tail[0].Key)
		scan.First = len(at.Tail) + 50 // what is known and what may be new, in one call
	}
	take := func(raw json.RawMessage, e odata.Entity) error {
		if known[e.Ref()] == e.Version() || o.passesOver(e) || e.Deleted() {
			return nil
		}
		told := i.event(connectors.MirrorLead, e.Ref(), e.Version(), "application/json", raw)
		i.date(&told, e, at.Begun)
		if batch = append(batch, told); len(batch) < maxBatch {
			return nil
		}
		err := desk.Accept(ctx, batch...)
		batch = batch[:0]
		return err
	}
	err = i.client.Each(ctx, scan, func(raw json.RawMessage, e odata.Entity) error {
		next.add(e, o.Watch, i.settings.Overlap)
		return take(raw, e)
	})
	if strays, ok := i.straysOf(o, at); ok && err == nil {
		err = i.client.Each(ctx, strays, func(raw json.RawMessage, e odata.Entity) error {
			next.Strays = append(next.Strays, seen{e.Text(o.Watch), e.Ref(), e.Version()})
			return take(raw, e)
		})
	}
	if err != nil {
		return err
	}
	if err := desk.Accept(ctx, batch...); err != nil {
		return err
	}
	return desk.Advance(ctx, partWatch, next)
}

// strayWindow is how long a record may take from when it was made until it is in the base: a telephone may be without a network.
const strayWindow = time.Hour

// straysOf asks for new leads whose number is before those that are watched: where bases or telephones exchange with each other, each
// gives numbers with a prefix of its own. They are found by when they were made, as they say themselves.
func (i *Instance) straysOf(o Objects, at position) (odata.Scan, bool) {
	made := o.stamped("created")
	if len(at.Tail) == 0 || at.Asked.IsZero() || made == "" {
		return odata.Scan{}, false
	}
	since := o.kept(made, at.Asked.Add(-strayWindow).In(i.zone))
	return odata.Scan{Set: o.Set, Key: o.Watch, Literal: odata.String,
		Filter: made + " ge " + odata.DateTime(since) + " and " + o.Watch + " lt " + odata.String(at.Tail[0].Key)}, true
}

// begin passes over what was there before the connection.
func (i *Instance) begin(ctx context.Context, desk connectors.Desk, o Objects) error {
	next := position{Begun: time.Now(), Asked: time.Now().Truncate(time.Minute)}
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
	node := i.settings.node()
	var at position
	if _, err := desk.Position(ctx, partWatch, &at); err != nil {
		return err
	}
	number, err := i.nextMessage(ctx, node)
	if err != nil {
		return err
	}
	var batch []pipeline.Event
	flush := func() error {
		err := desk.Accept(ctx, batch...)
		batch = batch[:0]
		return err
	}
	told := false
	err = i.client.SelectChanges(ctx, node, number, func(c odata.Change) error {
		told = true
		kind, ok := i.profile.kindOf(c.Set)
		if !ok {
			return nil
		}
		if batch = append(batch, i.changed(kind, c, number, at.Begun)); len(batch) >= maxBatch {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil || !told {
		return err
	}
	return i.client.NotifyChangesReceived(ctx, node, number)
}

// nextMessage is the number of the message to ask for as a node, which an administrator may have given wrongly.
func (i *Instance) nextMessage(ctx context.Context, node odata.Node) (int64, error) {
	number, err := i.client.NextMessage(ctx, node)
	switch {
	case errors.Is(err, odata.ErrThisNode):
		return 0, i.whole(func(say texts) string { return say.thisNode })
	case odata.Is(err, odata.NotFound):
		return 0, i.whole(func(say texts) string { return say.noNode })
	}
	return number, err
}

func (i *Instance) changed(kind string, c odata.Change, message int64, begun time.Time) pipeline.Event {
	if c.Deleted {
		e := i.event(kind, c.Ref, fmt.Sprintf("gone in message %d", message), "application/atom+xml", c.Raw)
		e.SetAttribute(attrGone, "1")
		return e
	}
	entity, err := odata.DecodeEntry(c.Raw)
	if err != nil { // it is kept, and holds nobody back
		return i.event(kind, c.Ref, fmt.Sprintf("unread in message %d", message), "application/atom+xml", c.Raw)
	}
	e := i.event(kind, c.Ref, entity.Version(), "application/atom+xml", c.Raw)
	i.date(&e, entity, begun)
	return e
}

// clocksApart is how far the clocks of base and gateway may be apart.
const clocksApart = 10 * time.Minute

// date notes that an object was made before the watch began, as it says itself: whoever edits it, or registers all there is for the
// node, makes no new lead of it.
func (i *Instance) date(e *pipeline.Event, entity odata.Entity, begun time.Time) {
	if begun.IsZero() || i.settings.History {
		return
	}
	o := i.profile.Objects[e.Attributes[attrKind]]
	field := o.stamped("created")
	if made, ok := odata.ParseDate(entity.Text(field), i.zone); ok && made.Before(o.kept(field, begun.Add(-clocksApart).In(i.zone))) {
		e.SetAttribute(attrEarlier, "1")
	}
}

// stamped is the attribute that a stamp stands in, "" if none does.
func (o Objects) stamped(stamp string) string {
	for field, of := range o.Stamps {
		if of == stamp {
			return field
		}
	}
	return ""
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
