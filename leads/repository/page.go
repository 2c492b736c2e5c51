package repository

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"marshrut/leads"
)

// Page is a part of a list. Next is where the following part begins, "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}

// Limits of a page.
const (
	defaultLimit = 50
	maxLimit     = 500
)

func limit(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return min(n, maxLimit)
}

// place is where a page ended: lists are ordered by a time and an id, so that what comes in between pages moves nothing.
type place struct {
	at time.Time
	id string
}

// cursor writes a place so that nobody is tempted to read it.
func (p place) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.at.UTC().Format(time.RFC3339Nano) + " " + p.id))
}

// readCursor is the inverse; "" is the beginning.
func readCursor(s string) (place, error) {
	if s == "" {
		return place{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	at, id, ok := strings.Cut(string(b), " ")
	t, errTime := time.Parse(time.RFC3339Nano, at)
	if err != nil || errTime != nil || !ok || id == "" {
		return place{}, leads.NotValid("Этот cursor выдан не здесь: %.40q", "Cursor %.40q was not made by us", s)
	}
	return place{t, id}, nil
}

// readNumbered is readCursor for a list whose ids are numbers.
func readNumbered(s string) (at time.Time, id int64, err error) {
	p, err := readCursor(s)
	if err != nil || s == "" {
		return p.at, 0, err
	}
	if id, err = strconv.ParseInt(p.id, 10, 64); err != nil {
		return p.at, 0, leads.NotValid("Этот cursor выдан для другого списка", "The cursor is of another list")
	}
	return p.at, id, nil
}

// page cuts what was read, one more than asked for, to a page.
func page[T any](found []T, limit int, where func(T) place) Page[T] {
	if len(found) <= limit {
		return Page[T]{Items: found}
	}
	return Page[T]{Items: found[:limit], Next: where(found[limit-1]).cursor()}
}
