package odata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Create makes an object under a reference of ours. If it is there already, because an
// earlier try had been taken, it is given as it is and created is false: what
// the caller makes of the difference is its own. A base may pass over our reference and give one of its own, which
// is the one of the object then; a repeat would make another, and what was lost under way is found by Twin.
func (c *Client) Create(ctx context.Context, set, ref string, fields Entity) (e Entity, created bool, err error) {
	body := maps.Clone(fields)
	body["Ref_Key"] = ref
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, false, fmt.Errorf("odata: create %s: %w", set, err)
	}
	a, err := c.once(ctx, call{method: http.MethodPost, path: path(set), query: Query{"$format=json"}, body: raw, ours: texts(fields)})
	switch {
	case err == nil:
		e, err = a.decode("POST " + set)
		if err == nil && !IsGUID(e.Ref()) {
			err = a.unreadable("POST " + set)
		}
		return e, true, err
	case Is(err, Exists):
		e, err = c.Get(ctx, set, ref)
		return e, false, err
	case Is(err, Ambiguous):
		// It may have been done. Only reading tells; if that fails too, why is told as well.
		found, readErr := c.Get(ctx, set, ref)
		if readErr == nil {
			return found, false, nil
		}
		if e := new(Error); errors.As(err, &e) && !Is(readErr, NotFound) {
			e.cause = readErr
		}
	}
	return nil, false, err
}

// maxTwins bounds what is looked through for one: some moments are no finer than a day, and imports give many objects the same.
const maxTwins = 1000

// Twin finds an object that fits a condition and is the same: one that was made though its answer was lost, in a base whose
// references cannot be foreseen. Nil: there is none.
func (c *Client) Twin(ctx context.Context, set, filter string, same func(Entity) bool) (Entity, error) {
	candidates, err := c.Find(ctx, set, filter, maxTwins)
	if err != nil {
		return nil, err
	}
	for _, e := range candidates {
		if !e.Deleted() && same(e) {
			return e, nil
		}
	}
	return nil, nil
}

// Patch writes fields of an object that was seen in a data version. The version goes along,
// but many bases do not look at it, and so it is compared before; Changed says
// that somebody was there first. The object as it then is comes back.
func (c *Client) Patch(ctx context.Context, set, ref, seen string, fields Entity) (Entity, error) {
	now, err := c.Get(ctx, set, ref)
	if err != nil {
		return nil, err
	}
	if now.Version() != seen {
		return nil, &Error{Op: "PATCH " + set, Kind: Changed}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("odata: patch %s: %w", set, err)
	}
	a, err := c.once(ctx, call{method: http.MethodPatch, path: entity(set, ref), query: Query{"$format=json"}, body: raw,
		header: http.Header{"If-Match": {seen}}, ours: texts(fields)})
	if err != nil {
		return nil, err
	}
	return a.decode("PATCH " + set)
}

// Verify compares what was sent with what the base says it holds: it cuts strings that are too
// long and passes over fields it does not know, without a word. The error names the fields.
func Verify(set string, sent, got Entity) error {
	var wrong []string
	for _, field := range slices.Sorted(maps.Keys(sent)) {
		if rows, ok := sent[field].([]Entity); ok {
			if !sameRows(rows, got.Rows(field)) {
				wrong = append(wrong, field)
			}
			continue
		}
		if sent.Text(field) != got.Text(field) {
			wrong = append(wrong, field)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return &Error{Op: "PATCH " + set, Kind: Truncated, Fields: wrong, cause: fmt.Errorf("the base kept something else in %s", strings.Join(wrong, ", "))}
}

func sameRows(sent, got []Entity) bool {
	return slices.EqualFunc(sent, got, func(a, b Entity) bool {
		for field := range a {
			if a.Text(field) != b.Text(field) {
				return false
			}
		}
		return true
	})
}

// texts are the values an error of the base may repeat.
func texts(e Entity) []string {
	var all []string
	for _, v := range e {
		switch v := v.(type) {
		case string:
			all = append(all, v)
		case []Entity:
			for _, row := range v {
				all = append(all, texts(row)...)
			}
		}
	}
	return all
}

// Act calls a bound action: Post of a document, Start() of a process, ExecuteTask() of a
// task. It is never repeated by itself: after Ambiguous the caller reads Posted, Started or Executed first.
func (c *Client) Act(ctx context.Context, set, ref, action string, arguments Query) error {
	_, err := c.once(ctx, call{method: http.MethodPost, path: entity(set, ref) + "/" + action, query: arguments, body: []byte("{}")})
	return err
}
