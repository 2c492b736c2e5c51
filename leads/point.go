package leads

import (
	"cmp"
	"strings"
)

// PointKind is what a contact point is.
type PointKind string

// The kinds of contact points.
const (
	KindPhone     PointKind = "phone"
	KindEmail     PointKind = "email"
	KindMessenger PointKind = "messenger"
)

// ContactPoint is a phone (E.164), an e-mail (lower case, domain in ASCII) or a
// messenger id ("telegram:ivan") in normal form, so that the same one is always
// the same text.
type ContactPoint struct {
	Kind      PointKind `json:"kind"`
	Value     string    `json:"value"`
	Written   string    `json:"written,omitempty"`   // as the client wrote it
	Extension string    `json:"extension,omitempty"` // of a phone, digits; no part of the identity
}

// PointID is what makes two points the same.
type PointID struct {
	Kind  PointKind
	Value string
}

// ID is the point's identity.
func (p ContactPoint) ID() PointID { return PointID{p.Kind, p.Value} }

// Compare orders points as everybody locks them.
func (p PointID) Compare(q PointID) int {
	return cmp.Or(cmp.Compare(p.Kind, q.Kind), cmp.Compare(p.Value, q.Value))
}

// Messenger gives the normal form of a messenger id: the service's name, a colon and the id
// in lower case without its @. Empty or with spaces inside: false.
func Messenger(service, id string) (ContactPoint, bool) {
	service = strings.ToLower(strings.TrimSpace(service))
	value := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(id), "@"))
	if service == "" || value == "" || strings.ContainsAny(value, " \t\r\n\x00") || len(value) > 200 {
		return ContactPoint{}, false
	}
	return ContactPoint{Kind: KindMessenger, Value: service + ":" + value, Written: Fold(id)}, true
}

// Fold trims a name and folds the white space inside; the letters stay as written.
func Fold(s string) string { return strings.Join(strings.Fields(s), " ") }
