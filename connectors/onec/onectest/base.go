// Package onectest is a small 1C infobase behind the standard OData interface: sets
// made from a declared schema, an exchange plan, sessions, and a switch for
// everything that real bases were seen to do against expectation (Behaviour). It
// stands on its own, without the client it tests, so that a misunderstanding of one
// is not hidden by the other. Tests, the command `marshrut onec simulate` and
// the demo company use it.
package onectest

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Object is one object of the base: values as JSON has them on the wire, rows of
// tabular sections as []Object.
type Object map[string]any

// Text is a field that is a text.
func (o Object) Text(field string) string {
	s, _ := o[field].(string)
	return s
}

// Rows are those of a tabular section.
func (o Object) Rows(section string) []Object {
	rows, _ := o[section].([]Object)
	return rows
}

func (o Object) clone() Object {
	c := maps.Clone(o)
	for field, value := range c {
		if rows, ok := value.([]Object); ok {
			copied := make([]Object, len(rows))
			for i, row := range rows {
				copied[i] = maps.Clone(row)
			}
			c[field] = copied
		}
	}
	return c
}

// Options of a Base. Schema is required.
type Options struct {
	Schema    Schema
	User      string // "gateway" if empty
	Password  string
	Behaviour Behaviour
	Now       func() time.Time // time.Now if nil
	// Journal is a file that every write is appended to and that the base begins with: what was
	// answered is there after the process was killed. "" keeps nothing.
	Journal string
}

// Base is an infobase. It is an http.Handler and safe for concurrent use.
type Base struct {
	options Options

	mu       sync.Mutex
	behave   Behaviour
	sets     map[string]*table
	nodes    map[string]*node // by reference
	sessions map[string]bool
	journal  *os.File
	random   *chance
	lastCall time.Time
	calls    []string
}

type table struct {
	set     Set
	objects map[string]Object
	order   []string
	numbers int
}

// node is a subscriber of an exchange plan.
type node struct {
	plan, ref      string
	sent, received int64
	pending        map[string]change // not acknowledged, by set and reference
}

type change struct {
	set, ref string
	message  int64 // it was sent in; 0: not yet
	deleted  bool
}

// New makes a base with what its schema predefines, and what its journal holds.
func New(o Options) (*Base, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.User = cmp.Or(o.User, "gateway")
	b := &Base{options: o, behave: o.Behaviour, sets: map[string]*table{}, nodes: map[string]*node{}, sessions: map[string]bool{},
		random: newChance(o.Behaviour.Seed)}
	for _, set := range o.Schema.Sets {
		b.sets[set.Name] = &table{set: set, objects: map[string]Object{}}
		for _, p := range set.Predefined {
			b.put(set.Name, b.complete(set, p))
		}
	}
	for _, n := range o.Schema.Nodes {
		b.nodes[n.Ref] = &node{plan: n.Plan, ref: n.Ref, pending: map[string]change{}}
	}
	if o.Journal == "" {
		return b, nil
	}
	return b, b.openJournal()
}

// Close closes the journal.
func (b *Base) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.journal == nil {
		return nil
	}
	err := b.journal.Close()
	b.journal = nil
	return err
}

// Behave changes how the base behaves from now on.
func (b *Base) Behave(change func(*Behaviour)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.behave)
}

// Calls are the requests answered so far, as "METHOD /path".
func (b *Base) Calls() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// Get gives an object as it is.
func (b *Base) Get(set, ref string) (Object, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.sets[set].objects[ref]
	return o.clone(), ok
}

// All gives the objects of a set in the order they were made.
func (b *Base) All(set string) []Object {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.sets[set]
	all := make([]Object, 0, len(t.order))
	for _, ref := range t.order {
		if o, ok := t.objects[ref]; ok {
			all = append(all, o.clone())
		}
	}
	return all
}

// Add makes an object as a person in 1C does; its reference comes back.
func (b *Base) Add(set string, o Object) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.sets[set]
	if !ok {
		return "", fmt.Errorf("there is no set %s", set)
	}
	whole := b.complete(t.set, o)
	return whole.Text("Ref_Key"), b.write(set, whole)
}

// Edit changes an object as a person in 1C does.
func (b *Base) Edit(set, ref string, edit func(Object)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.sets[set].objects[ref]
	if !ok {
		return errors.New("no such object")
	}
	changed := o.clone()
	edit(changed)
	return b.write(set, changed)
}

// Remove takes an object away for good.
func (b *Base) Remove(set, ref string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.remove(set, ref)
}

// complete fills what the platform fills.
func (b *Base) complete(set Set, o Object) Object {
	whole := Object{}
	for _, f := range set.fields() {
		whole[f.Name] = f.zero()
	}
	maps.Copy(whole, o.clone())
	if ref := whole.Text("Ref_Key"); ref == "" || ref == emptyRef {
		whole["Ref_Key"] = newRef()
	}
	t := b.sets[set.Name]
	t.numbers++
	number := fmt.Sprintf("%0*d", max(1, set.NumberLength), t.numbers)
	if strings.HasPrefix(set.Name, "Document_") {
		if whole.Text("Number") == "" {
			whole["Number"] = number
		}
		if whole.Text("Date") == emptyDate {
			whole["Date"] = b.options.Now().Format(dateLayout)
		}
	} else if _, coded := whole["Code"]; coded && whole.Text("Code") == "" {
		whole["Code"] = number
	}
	return whole
}

// write stores an object with its next data version, registers it for the nodes and notes it in the journal.
func (b *Base) write(set string, o Object) error {
	o["DataVersion"] = nextVersion(o.Text("DataVersion"))
	if err := b.note(record{Set: set, Object: o}); err != nil {
		return err
	}
	b.put(set, o)
	b.register(set, o.Text("Ref_Key"), false)
	return nil
}

func (b *Base) remove(set, ref string) error {
	if err := b.note(record{Set: set, Removed: ref}); err != nil {
		return err
	}
	delete(b.sets[set].objects, ref)
	b.register(set, ref, true)
	return nil
}

func (b *Base) put(set string, o Object) {
	t, ref := b.sets[set], o.Text("Ref_Key")
	if _, known := t.objects[ref]; !known {
		t.order = append(t.order, ref)
	}
	if o.Text("DataVersion") == "" {
		o["DataVersion"] = nextVersion("")
	}
	t.objects[ref] = o
}

// register notes a change for every node whose plan holds the set: also one that changed nothing, and also the node's own.
func (b *Base) register(set, ref string, deleted bool) {
	for _, n := range b.nodes {
		if slices.Contains(b.options.Schema.Plans[n.plan], set) {
			n.pending[set+"/"+ref] = change{set: set, ref: ref, deleted: deleted}
		}
	}
}

// selectChanges numbers what is not acknowledged.
func (b *Base) selectChanges(n *node, message int64) []change {
	n.sent = max(n.sent, message)
	var list []change
	for _, key := range slices.Sorted(maps.Keys(n.pending)) {
		c := n.pending[key]
		c.message = message
		n.pending[key] = c
		list = append(list, c)
	}
	return list
}

// received forgets what was sent in messages up to the number; what changed since then stays.
func (b *Base) received(n *node, message int64) {
	for key, c := range n.pending {
		if c.message != 0 && c.message <= message {
			delete(n.pending, key)
		}
	}
	n.received = max(n.received, message)
}

// nextVersion counts up the eight bytes of a data version.
func nextVersion(s string) string {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw) != 8 {
		raw = make([]byte, 8)
	}
	binary.BigEndian.PutUint64(raw, binary.BigEndian.Uint64(raw)+1)
	return base64.StdEncoding.EncodeToString(raw)
}

func newRef() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x10 // UUIDs of 1C are of version 1
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// record is a line of the journal.
type record struct {
	Set      string `json:"set,omitempty"`
	Object   Object `json:"object,omitempty"`
	Removed  string `json:"removed,omitempty"`
	Node     string `json:"node,omitempty"`
	Sent     int64  `json:"sent,omitempty"`
	Received int64  `json:"received,omitempty"`
}

func (b *Base) note(r record) error {
	if b.journal == nil {
		return nil
	}
	line, err := json.Marshal(r)
	if err == nil {
		_, err = b.journal.Write(append(line, '\n')) // one write: a killed process leaves at most one line cut, the last
	}
	return err
}

func (b *Base) openJournal() error {
	f, err := os.OpenFile(b.options.Journal, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	reader, whole := bufio.NewReader(f), int64(0)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // what has no end of line was never answered
		}
		var r record
		if err == nil {
			err = json.Unmarshal(line, &r)
		}
		if err == nil {
			err = b.replay(r)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("journal of the base: %w", err), f.Close())
		}
		whole += int64(len(line))
	}
	if err := errors.Join(f.Truncate(whole), seekEnd(f)); err != nil {
		return errors.Join(err, f.Close())
	}
	b.journal = f
	return nil
}

func seekEnd(f *os.File) error {
	_, err := f.Seek(0, io.SeekEnd)
	return err
}

func (b *Base) replay(r record) error {
	switch {
	case r.Node != "":
		n, ok := b.nodes[r.Node]
		if !ok {
			return fmt.Errorf("there is no node %s", r.Node)
		}
		if r.Sent != 0 {
			b.selectChanges(n, r.Sent)
		}
		if r.Received != 0 {
			b.received(n, r.Received)
		}
	case b.sets[r.Set] == nil:
		return fmt.Errorf("there is no set %s", r.Set)
	case r.Removed != "":
		delete(b.sets[r.Set].objects, r.Removed)
		b.register(r.Set, r.Removed, true)
	default:
		o := r.Object
		for field, value := range o {
			if list, ok := value.([]any); ok {
				o[field] = rowsOf(list)
			}
		}
		b.sets[r.Set].numbers++
		b.put(r.Set, o)
		b.register(r.Set, o.Text("Ref_Key"), false)
	}
	return nil
}

func rowsOf(list []any) []Object {
	rows := []Object{}
	for _, one := range list {
		if m, ok := one.(map[string]any); ok {
			rows = append(rows, Object(m))
		}
	}
	return rows
}
