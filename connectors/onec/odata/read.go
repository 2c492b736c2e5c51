package odata

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Get reads one object. That there is none is an Error of kind NotFound.
func (c *Client) Get(ctx context.Context, set, ref string) (Entity, error) {
	a, err := c.get(ctx, call{method: http.MethodGet, path: entity(set, ref), query: Query{"$format=json"}})
	if err != nil {
		return nil, err
	}
	return a.decode("GET " + set)
}

func (a answer) decode(op string) (Entity, error) {
	e, err := DecodeEntity(a.body)
	if err != nil {
		return nil, a.unreadable(op)
	}
	return e, nil
}

func (a answer) unreadable(op string) error {
	return &Error{Op: op, Kind: NotOData, Status: a.status, cause: ErrUnreadable}
}

// Scan asks for a set in the order of a scalar field: Date, Code, Number or Period. A
// reference cannot be one: bases do not order by it. Set, Key and Literal are required.
type Scan struct {
	Set    string
	Key    string // the field
	Filter string // a further condition, as $filter has it; "" is none
	Select string // fields with commas between, Ref_Key and Key among them; "" is all
	// From is the literal the key must not be before; "" is the beginning.
	From string
	// Literal writes a value of the key as it stands in a filter: String, or one for dates.
	Literal func(value string) string
	// First is how many rows to ask for at first; 0 is 50.
	First int
	// PageBytes is how large a page should be; 0 is 1 MiB.
	PageBytes int
}

// maxPage bounds rows of a page, however small they are.
const maxPage = 1000

// Each gives every object of the scan as it came, pages growing and shrinking with the bytes
// of the one before: objects of some sets have ten times the size of others.
func (c *Client) Each(ctx context.Context, s Scan, yield func(raw json.RawMessage, e Entity) error) error {
	size, want := min(cmp.Or(max(s.First, 0), 50), maxPage), s.PageBytes
	if want <= 0 {
		want = 1 << 20
	}
	from, skip := s.From, 0
	for {
		a, err := c.get(ctx, call{method: http.MethodGet, path: path(s.Set), query: s.query(from, skip, size)})
		if Is(err, TooLarge) && size > 1 {
			size = max(1, size/4)
			continue
		}
		if err != nil {
			return err
		}
		rows, more, err := decodeList(a.body)
		if err != nil {
			return a.unreadable("GET " + s.Set)
		}
		for _, raw := range rows {
			e, err := DecodeEntity(raw)
			if err != nil {
				return a.unreadable("GET " + s.Set)
			}
			if err := yield(raw, e); err != nil {
				return err
			}
			// Rows of one key are passed over by number: a key may fill more than a page.
			if at := s.Literal(e.Text(s.Key)); at == from {
				skip++
			} else {
				from, skip = at, 1
			}
		}
		if len(rows) < size && !more {
			return nil
		}
		size = nextSize(size, len(a.body), want)
	}
}

func (s Scan) query(from string, skip, size int) Query {
	var conditions []string
	if from != "" {
		conditions = append(conditions, s.Key+" ge "+from)
	}
	if s.Filter != "" {
		conditions = append(conditions, "("+s.Filter+")")
	}
	q := Query{"$format=json", "allowedOnly=true", "$orderby=" + s.Key + " asc,Ref_Key asc", "$top=" + strconv.Itoa(size)}
	if len(conditions) > 0 {
		q = append(q, "$filter="+strings.Join(conditions, " and "))
	}
	if skip > 0 {
		q = append(q, "$skip="+strconv.Itoa(skip))
	}
	if s.Select != "" {
		q = append(q, "$select="+s.Select)
	}
	return q
}

// nextSize aims at the wanted bytes, at most doubling.
func nextSize(size, got, want int) int {
	if got <= 0 {
		return size
	}
	return max(1, min(size*want/got, 2*size, maxPage))
}

// Find gives the objects of a set that fit a condition, up to top.
func (c *Client) Find(ctx context.Context, set, filter string, top int) ([]Entity, error) {
	var found []Entity
	for more := true; more && len(found) < top; {
		q := Query{"$format=json", "allowedOnly=true", "$top=" + strconv.Itoa(top-len(found))}
		if filter != "" {
			q = append(q, "$filter="+filter)
		}
		if len(found) > 0 {
			q = append(q, "$skip="+strconv.Itoa(len(found)))
		}
		a, err := c.get(ctx, call{method: http.MethodGet, path: path(set), query: q})
		if err != nil {
			return nil, err
		}
		var rows []json.RawMessage
		if rows, more, err = decodeList(a.body); err != nil {
			return nil, a.unreadable("GET " + set)
		}
		for _, raw := range rows {
			e, err := DecodeEntity(raw)
			if err != nil {
				return nil, a.unreadable("GET " + set)
			}
			found = append(found, e)
		}
	}
	return found, nil
}
