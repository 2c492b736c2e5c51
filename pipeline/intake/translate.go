package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"strconv"
	"time"

	"marshrut/connectors"
	"marshrut/leads"
	"marshrut/pipeline"
	"marshrut/pipeline/exchange"
)

// Classes of reasons why a message is dead.
const (
	faultConnection  = "connection"  // nobody knows the connection, or it cannot work
	faultTranslation = "translation" // the connector cannot understand it
	faultData        = "data"        // the database cannot store it
	faultPanic       = "panic"       // our code fails on it
)

// letter is an event and what its connector made of it.
type letter struct {
	event     pipeline.Event
	channel   leads.Channel
	inquiries []leads.Inquiry
	part      *callPart        // of a call; nil: the event is whole by itself
	record    *exchange.Record // an object of a system that holds ours as well; inquiries are what it is if nobody knows it
	ignored   bool             // an object of theirs that is none of ours
	reason    string           // why it is dead, "" if it is not
	fault     string
}

// slow is how long understanding one message may take before the log says so.
const slow = time.Second

// translate understands each event by its connection. Its error means that something
// it needs is away, never that a message is bad.
func (i *Intake) translate(ctx context.Context, events []pipeline.Event) ([]letter, error) {
	letters := make([]letter, len(events))
	for n, e := range events {
		l, err := i.read(ctx, e)
		if err != nil {
			return nil, err
		}
		letters[n] = l
	}
	return letters, nil
}

// read makes a letter of one event.
func (i *Intake) read(ctx context.Context, e pipeline.Event) (letter, error) {
	l := letter{event: e, channel: channelOf(e)}
	if e.Type == pipeline.UnreadableType {
		reason := e.Attributes[pipeline.UnreadableReason]
		if e.Connection == "" { // found in the queue; a poller says itself what it could not take
			reason = fmt.Sprintf(i.say.unreadable, reason)
		}
		l.dead(faultTranslation, reason)
		return l, nil
	}
	c, err := i.Connections.Find(ctx, e.Connection)
	switch {
	case errors.Is(err, connectors.ErrUnknown):
		l.dead(faultConnection, fmt.Sprintf(i.say.gone, e.Connection))
		return l, nil
	case err != nil:
		return l, fmt.Errorf("find the connection of event %s: %w", e.ID, err)
	}
	l.channel = c.Channel
	translator, whole := c.Instance.(connectors.Translator)
	aggregator, parts := c.Instance.(connectors.Aggregator)
	switch {
	case parts && e.Type == dueType:
		l.part = &callPart{connected: c, aggregator: aggregator}
		return l, nil
	case !whole && !parts:
		l.dead(faultConnection, i.connectionFault(c))
		return l, nil
	}
	return i.understand(ctx, l, c, translator, aggregator)
}

// understand asks the connector what the bytes of a letter mean.
func (i *Intake) understand(ctx context.Context, l letter, c *connectors.Connected, translator connectors.Translator, aggregator connectors.Aggregator) (letter, error) {
	e := l.event
	whole, err := i.fetch(ctx, e)
	if errors.Is(err, fs.ErrNotExist) {
		l.dead(faultData, i.say.erased)
		return l, nil
	}
	if err != nil {
		return l, err
	}
	if mirror, ok := c.Instance.(connectors.Mirror); ok && i.Exchange != nil {
		return i.readRecord(l, mirror, translator, whole, c), nil
	}
	started := time.Now()
	var inquiries []leads.Inquiry
	var part connectors.Part
	var fault string
	if aggregator != nil {
		part, fault, err = i.safePart(aggregator, whole)
	} else {
		inquiries, fault, err = i.safeTranslate(translator, whole)
	}
	if took := time.Since(started); took > slow {
		i.Log.Warn("a message took long to understand", "connection", e.Connection, "event", e.ID, "took", took)
	}
	if err != nil {
		l.dead(fault, c.RedactText(err.Error()))
		return l, nil
	}
	l.inquiries = complete(inquiries, e, c)
	if aggregator != nil {
		l.part = &callPart{connected: c, aggregator: aggregator, told: &part}
	}
	return l, nil
}

func (l *letter) dead(fault, reason string) {
	l.fault, l.reason, l.inquiries, l.part = fault, reason, nil, nil
}

// readRecord makes a letter of an object of another system. Whether it is known is asked in the transaction.
func (i *Intake) readRecord(l letter, m connectors.Mirror, t connectors.Translator, e pipeline.Event, c *connectors.Connected) letter {
	object, err := m.Understand(e)
	switch {
	case errors.Is(err, connectors.ErrNotOurs):
		l.ignored = true
		return l
	case err != nil:
		l.dead(faultTranslation, c.RedactText(err.Error()))
		return l
	}
	l.record = &exchange.Record{Connection: e.Connection, Mirrored: object, At: e.Time}
	if !i.Exchange.Adopts(*l.record) {
		return l
	}
	// One without a name, a phone or an e-mail is no lead yet; its next version is told as well.
	if inquiries, _, err := i.safeTranslate(t, e); err == nil {
		l.inquiries = complete(inquiries, e, c)
	}
	return l
}

func (i *Intake) connectionFault(c *connectors.Connected) string {
	if c.Fault != nil {
		return fmt.Sprintf(i.say.faulty, c.Name, c.RedactText(c.Fault.Error()))
	}
	return fmt.Sprintf(i.say.deaf, c.Name)
}

// channelOf is what an event is filed under when its connection is not known any more.
func channelOf(e pipeline.Event) leads.Channel {
	switch e.Connector {
	case "telephony":
		return leads.ChannelCall
	case "email":
		return leads.ChannelMail
	case "onec":
		return leads.ChannelOneC
	}
	return leads.ChannelForm
}

// maxFetched bounds what is read back of a body that travelled by reference.
const maxFetched = 26 << 20

// fetch gives the event with its bytes, wherever they are.
func (i *Intake) fetch(ctx context.Context, e pipeline.Event) (pipeline.Event, error) {
	if e.DataRef == "" {
		return e, nil
	}
	r, err := i.Fetch(ctx, e.DataRef)
	if err != nil {
		return e, fmt.Errorf("%w: event %s: %w", errBlob, e.ID, err)
	}
	defer r.Close()
	e.Data, err = io.ReadAll(io.LimitReader(r, maxFetched))
	if err != nil {
		return e, fmt.Errorf("%w: event %s: %w", errBlob, e.ID, err)
	}
	return e, nil
}

// safeTranslate asks the connector, whatever it does with the bytes of strangers.
func (i *Intake) safeTranslate(t connectors.Translator, e pipeline.Event) (inquiries []leads.Inquiry, fault string, err error) {
	defer func() {
		if p := recover(); p != nil {
			inquiries, fault = nil, faultPanic
			err = fmt.Errorf(i.say.bug, p, firstFrame(debug.Stack()))
		}
	}()
	inquiries, err = t.Translate(e)
	if err == nil && len(inquiries) == 0 {
		err = errors.New(i.say.nothing)
	}
	return inquiries, faultTranslation, err
}

// safePart asks the connector what an event contributes, whatever it does with the bytes of strangers.
func (i *Intake) safePart(a connectors.Aggregator, e pipeline.Event) (part connectors.Part, fault string, err error) {
	defer func() {
		if p := recover(); p != nil {
			part, fault = connectors.Part{}, faultPanic
			err = fmt.Errorf(i.say.bug, p, firstFrame(debug.Stack()))
		}
	}()
	part, err = a.Part(e)
	return part, faultTranslation, err
}

// complete fills in what a connector does not know of an inquiry.
func complete(inquiries []leads.Inquiry, e pipeline.Event, c *connectors.Connected) []leads.Inquiry {
	for n := range inquiries {
		in := &inquiries[n]
		in.ID, in.Connection, in.Key, in.Trace = e.ID, e.Connection, e.OrderKey(), e.TraceParent
		if n > 0 {
			in.ID = pipeline.ID(e.ID, strconv.Itoa(n))
		}
		if in.VendorID == "" {
			in.VendorID = e.Subject
		}
		if in.Channel == "" {
			in.Channel = c.Channel
		}
		if in.ReceivedAt.IsZero() {
			in.ReceivedAt = e.Time
		}
		if in.Source == "" {
			in.Source = c.Source
		}
	}
	return inquiries
}
