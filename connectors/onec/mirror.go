package onec

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/onec/odata"
	"marshrut/pipeline"
)

// wordsFresh is how long the names of the base are taken as they were read: people add states and employees.
const wordsFresh = 10 * time.Minute

// noSessionPause is how long a base without licences is left alone.
const noSessionPause = time.Minute

// led are the fields that belong to whoever leads the process.
var led = map[string]bool{"stage": true, "status": true, "reason": true}

// Terms are those of the profile and the settings. A field of references of which no names were given is not mirrored.
func (i *Instance) Terms() connectors.Terms {
	t := connectors.Terms{Fields: map[string]map[string]connectors.Owner{}, Elsewhere: i.settings.Processes == There, Adopts: i.settings.Leads}
	for kind, o := range i.profile.Objects {
		fields := map[string]connectors.Owner{}
		for name, f := range o.Fields {
			if f.Words == "" || len(i.settings.dictionaryOf(f.Words)) > 0 {
				fields[name] = i.owner(kind, name)
			}
		}
		t.Fields[kind] = fields
	}
	return t
}

func (i *Instance) owner(kind, field string) connectors.Owner {
	if kind == connectors.MirrorLead && led[field] {
		if i.settings.Processes == There {
			return connectors.OwnerThey
		}
		return connectors.OwnerWe
	}
	if owner, ok := i.settings.Owners[kind+"."+field]; ok {
		return connectors.Owner(owner)
	}
	return connectors.OwnerLater
}

// Newer compares data versions.
func (i *Instance) Newer(a, b string) bool { return odata.Newer(a, b) }

// Ref is the GUID that an object of ours has in the base.
func (i *Instance) Ref(kind string, id int64) string {
	return odata.NewRef(i.connection.Name, kind, strconv.FormatInt(id, 10))
}

// Understand reads a record. Without the names of the base its references are not told.
func (i *Instance) Understand(e pipeline.Event) (connectors.Mirrored, error) {
	m := connectors.Mirrored{Kind: e.Attributes[attrKind], Ref: e.Attributes[attrRef], Version: e.Attributes[attrVersion]}
	o, ok := i.profile.Objects[m.Kind]
	if !ok || !odata.IsGUID(m.Ref) {
		return m, connectors.ErrNotOurs
	}
	if e.Attributes[attrGone] != "" {
		m.Deleted = true
		return m, nil
	}
	entity, err := decodeRecord(e)
	if err != nil {
		return m, err
	}
	if o.passesOver(entity) {
		return m, connectors.ErrNotOurs
	}
	m = i.mirrored(m.Kind, entity)
	m.Earlier = e.Attributes[attrEarlier] != ""
	return m, nil
}

func decodeRecord(e pipeline.Event) (odata.Entity, error) {
	if strings.HasPrefix(e.DataContentType, "application/atom") {
		return odata.DecodeEntry(e.Data)
	}
	return odata.DecodeEntity(e.Data)
}

func (o Objects) passesOver(e odata.Entity) bool {
	for field, value := range o.PassesOver {
		if e.Text(field) == value {
			return true
		}
	}
	return false
}

func (i *Instance) mirrored(kind string, e odata.Entity) connectors.Mirrored {
	return connectors.Mirrored{Kind: kind, Ref: e.Ref(), Version: e.Version(), Values: i.codec(kind).decode(e), Deleted: e.Deleted(), Whole: e}
}

func (i *Instance) codec(kind string) codec {
	i.mu.Lock()
	defer i.mu.Unlock()
	return codec{objects: i.profile.Objects[kind], settings: i.settings, region: i.connection.Region,
		words: maps.Clone(i.words), kinds: i.profile.ContactKinds, say: i.say}
}

// Normal gives values as the base would.
func (i *Instance) Normal(ctx context.Context, kind string, values map[string]string) (map[string]string, error) {
	if err := i.prepare(ctx); err != nil {
		return nil, err
	}
	return i.codec(kind).normal(values)
}

// Fetch reads an object.
func (i *Instance) Fetch(ctx context.Context, kind, ref string) (connectors.Mirrored, error) {
	if err := i.prepare(ctx); err != nil {
		return connectors.Mirrored{}, err
	}
	e, err := i.client.Get(ctx, i.profile.Objects[kind].Set, ref)
	if err != nil {
		return connectors.Mirrored{}, i.trouble(err)
	}
	return i.mirrored(kind, e), nil
}

// Create makes an object under our reference, with what the profile adds to a new one.
func (i *Instance) Create(ctx context.Context, kind, ref string, values map[string]string) (connectors.Mirrored, error) {
	if err := i.prepare(ctx); err != nil {
		return connectors.Mirrored{}, err
	}
	o := i.profile.Objects[kind]
	sent, err := i.codec(kind).encode(values, nil)
	if err != nil {
		return connectors.Mirrored{}, err
	}
	maps.Copy(sent, o.Constants)
	o.stamp(sent, values, i.zone)
	got, created, err := i.create(ctx, kind, ref, values, sent)
	if err == nil && created {
		err = odata.Verify(o.Set, sent, got)
	}
	if err != nil {
		return connectors.Mirrored{}, i.trouble(err)
	}
	return i.mirrored(kind, got), nil
}

// stamp writes the dates of a new object.
func (o Objects) stamp(sent odata.Entity, values map[string]string, zone *time.Location) {
	for field, name := range o.Stamps {
		at, err := time.Parse(time.RFC3339, values[name])
		if err != nil {
			continue
		}
		sent[field] = odata.FormatDate(o.kept(field, at.In(zone)))
	}
}

// kept is what an attribute keeps of a moment: the day alone, where it has no time of day.
func (o Objects) kept(field string, at time.Time) time.Time {
	if slices.Contains(o.Days, field) {
		return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
	}
	return at
}

// refs says whose references new objects get.
type refs int

const (
	refsUnknown refs = iota
	refsOurs
	refsTheirs // the base passes over ours
)

// create makes an object once. Where the base may give it a reference of its own, an earlier try whose answer was lost is not found
// under ours, and is looked for by what was sent, the moment the object is of among it.
func (i *Instance) create(ctx context.Context, kind, ref string, values map[string]string, sent odata.Entity) (got odata.Entity, created bool, err error) {
	o := i.profile.Objects[kind]
	i.mu.Lock()
	known := i.refs
	i.mu.Unlock()
	if filter := o.moments(sent); known != refsOurs && filter != "" {
		// What stands under a reference in our manner is another object of ours: its day and its phone may well be the same.
		same := func(e odata.Entity) bool { return !odata.IsNewRef(e.Ref()) && i.codec(kind).sameAs(values, sent, e) }
		if got, err = i.client.Twin(ctx, o.Set, filter, same); err != nil || got != nil {
			return got, false, err
		}
	}
	got, created, err = i.client.Create(ctx, o.Set, ref, sent)
	if err != nil {
		return nil, false, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.refs = refsOurs; got.Ref() != strings.ToLower(ref) {
		i.refs = refsTheirs
	}
	return got, created, nil
}

// moments is the condition for objects with the stamps of one.
func (o Objects) moments(sent odata.Entity) string {
	var conditions []string
	for _, field := range slices.Sorted(maps.Keys(o.Stamps)) {
		if at, ok := odata.ParseDate(sent.Text(field), time.UTC); ok {
			conditions = append(conditions, field+" eq "+odata.DateTime(at))
		}
	}
	return strings.Join(conditions, " and ")
}

// Write changes an object that was fetched.
func (i *Instance) Write(ctx context.Context, seen connectors.Mirrored, values map[string]string) (connectors.Mirrored, error) {
	if err := i.prepare(ctx); err != nil {
		return connectors.Mirrored{}, err
	}
	set := i.profile.Objects[seen.Kind].Set
	whole, ok := seen.Whole.(odata.Entity)
	if !ok {
		return connectors.Mirrored{}, fmt.Errorf("write %s: it was not fetched", set)
	}
	sent, err := i.codec(seen.Kind).encode(values, whole)
	if err != nil || len(sent) == 0 {
		return seen, err
	}
	got, err := i.client.Patch(ctx, set, seen.Ref, seen.Version, sent)
	if err == nil {
		err = odata.Verify(set, sent, got)
	}
	if err != nil {
		return connectors.Mirrored{}, i.trouble(err)
	}
	return i.mirrored(seen.Kind, got), nil
}

// prepare checks the base against the profile and reads the names it needs, once.
func (i *Instance) prepare(ctx context.Context) error {
	if i.client == nil {
		return i.whole(func(say texts) string { return say.notSetUp })
	}
	i.mu.Lock()
	fresh, refused := time.Since(i.checked) < wordsFresh, i.refused.still(time.Now())
	i.mu.Unlock()
	if refused != nil {
		return refused
	}
	if fresh {
		return nil
	}
	m, err := i.client.Metadata(ctx)
	if err != nil {
		return i.trouble(err)
	}
	if missing := i.profile.check(m, i.settings); missing.any() {
		i.client.ForgetMetadata() // until the administrator has published it
		return i.whole(func(say texts) string { return missing.in(say, i.profile.Configuration) })
	}
	return i.readWords(ctx)
}

// Test asks the base anew whether it publishes what the profile needs and has the node of the exchange plan, in a session of its own, whose licence it gives back.
func (i *Instance) Test(ctx context.Context) error {
	s := i.settings
	own, err := New(i.connection, s, i.profile)
	if err != nil {
		return err
	}
	if own.client != nil {
		defer own.giveBack(ctx)
	}
	if err := own.prepare(ctx); err != nil || s.Plan == "" {
		return err
	}
	_, err = own.nextMessage(ctx, s.node())
	return own.trouble(err)
}

// giveBack ends the sessions, whose licences are free at once then, though ctx may have ended.
func (i *Instance) giveBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	i.client.Close(ctx)
}

// refusal is a login that the base did not let in. Every further try moves the account nearer to being locked, so nobody
// tries for a while, longer each time.
type refusal struct {
	rest
	trouble error
}

const (
	minRefused = time.Minute
	maxRefused = 5 * time.Minute
)

func (r refusal) still(now time.Time) error {
	if r.rests(now) {
		return r.trouble
	}
	return nil
}

func (r *refusal) meet(now time.Time, trouble error) {
	if !r.rests(now) {
		r.trouble = trouble
		r.again(now, minRefused, maxRefused)
	}
}

// forget lets the next call check the base anew.
func (i *Instance) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.checked = time.Time{}
	i.client.ForgetMetadata()
}

// maxWords bounds what is read of a dictionary.
const maxWords = 5000

func (i *Instance) readWords(ctx context.Context) error {
	words := map[string]*dictionary{}
	read := func(set string, names ...string) error {
		if set == "" || words[set] != nil {
			return nil
		}
		list, err := i.client.Find(ctx, set, "", maxWords)
		if err != nil {
			return i.trouble(err)
		}
		words[set] = newDictionary(list, names)
		return nil
	}
	if err := read(i.profile.ContactKinds, "Description", "ИмяПредопределенногоВида", "PredefinedDataName"); err != nil {
		return err
	}
	for _, o := range i.profile.Objects {
		for _, f := range o.Fields {
			if f.Of == "" || len(i.settings.dictionaryOf(f.Words)) == 0 {
				continue
			}
			if err := read(f.Of, "Description"); err != nil {
				return err
			}
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.words, i.checked, i.refused = words, time.Now(), refusal{}
	return nil
}
