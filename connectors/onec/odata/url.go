package odata

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// EmptyRef is the reference to nothing.
const EmptyRef = "00000000-0000-0000-0000-000000000000"

// EmptyDate is how 1C writes that there is no date.
const EmptyDate = "0001-01-01T00:00:00"

// dateLayout is the only notation of dates that bases take: no fraction, no zone.
const dateLayout = "2006-01-02T15:04:05"

// Query is the options of a request, "$top=10", in their order. The dollar sign stays as
// it is and a blank becomes %20: bases misread what url.Values makes of them.
type Query []string

// String gives the query with its question mark, or "".
func (q Query) String() string {
	if len(q) == 0 {
		return ""
	}
	parts := make([]string, len(q))
	for i, option := range q {
		name, value, _ := strings.Cut(option, "=")
		parts[i] = name + "=" + escape(value)
	}
	return "?" + strings.Join(parts, "&")
}

// escape writes a value of a query as RFC 3986 has it.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// unescape reads an address; one that is written wrongly is given as it is.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// path writes a name of a set, percent-encoded in UTF-8.
func path(set string) string { return url.PathEscape(set) }

// entity is the path of one object.
func entity(set, ref string) string { return path(set) + "(" + GUID(ref) + ")" }

var guidShape = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// IsGUID reports whether s is written like a reference.
func IsGUID(s string) bool { return guidShape.MatchString(s) }

// GUID is the literal of a reference. What is none becomes the empty reference,
// so that no text of a stranger gets into an address.
func GUID(ref string) string {
	if !IsGUID(ref) {
		ref = EmptyRef
	}
	return "guid'" + ref + "'"
}

// String is the literal of a text: an apostrophe inside is doubled.
func String(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// DateTime is the literal of a wall clock reading of the base.
func DateTime(t time.Time) string { return "datetime'" + t.Format(dateLayout) + "'" }

// Cast is the literal of a reference to compare a field of several types with: a
// bare one is never equal.
func Cast(ref, set string) string { return "cast(" + GUID(ref) + "," + String(set) + ")" }

// FormatDate writes a time as bases do; the zero time is their empty date.
func FormatDate(t time.Time) string {
	if t.IsZero() {
		return EmptyDate
	}
	return t.Format(dateLayout)
}

// ParseDate reads a wall clock reading in the zone of the base; false for the
// empty date and what is none.
func ParseDate(s string, zone *time.Location) (time.Time, bool) {
	s, _, _ = strings.Cut(s, ".")
	t, err := time.ParseInLocation(dateLayout, strings.TrimSuffix(s, "Z"), zone)
	if err != nil || t.Year() <= 1 {
		return time.Time{}, false
	}
	return t, true
}

// namespace of the references we make, a random UUID.
var namespace = [16]byte{0x5b, 0x0c, 0x9e, 0x14, 0x7a, 0x4f, 0x4c, 0x5e, 0x9b, 0x52, 0x61, 0x0e, 0x3d, 0xa2, 0x77, 0x8c}

// NewRef makes the reference of an object of ours out of what names it: the same
// parts give the same reference (UUID version 5), so that creating the object
// twice is refused by the base and not done twice.
func NewRef(parts ...string) string {
	h := sha1.New()
	h.Write(namespace[:])
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	var b [16]byte
	copy(b[:], h.Sum(nil))
	b[6] = b[6]&0x0f | 0x50
	b[8] = b[8]&0x3f | 0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// IsNewRef reports whether a reference is written like those of NewRef. A base makes none such: its own are of version 1 or 4.
func IsNewRef(s string) bool { return IsGUID(s) && s[14] == '5' }
