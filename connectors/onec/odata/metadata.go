package odata

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// Metadata are what a base publishes.
type Metadata struct {
	Sets map[string]Fields   // entity sets by name
	Rows map[string]Fields   // row types of tabular sections, by name of the type
	Acts map[string][]string // bound actions (see Act) and functions, by entity type
}

// Fields are the types of fields by name, as CSDL writes them: Edm.String, Collection(StandardODATA.X_RowType). Lengths are not told.
type Fields map[string]string

// Section gives the fields of the rows of a tabular section.
func (m *Metadata) Section(set, section string) (Fields, bool) {
	inner, ok := strings.CutPrefix(m.Sets[set][section], "Collection(")
	if !ok {
		return nil, false
	}
	rows, ok := m.Rows[local(strings.TrimSuffix(inner, ")"))]
	return rows, ok
}

// local takes the namespace off a name.
func local(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// metadataCache keeps what was read: those of a whole configuration are 17 MB and take
// half a minute.
type metadataCache struct {
	have    atomic.Pointer[Metadata]
	reading chan struct{} // one at a time; whoever waits keeps its own patience
}

// Metadata reads what the base publishes, once. Whoever learns that it has changed
// says ForgetMetadata.
func (c *Client) Metadata(ctx context.Context) (*Metadata, error) {
	if m := c.metadata.have.Load(); m != nil {
		return m, nil
	}
	select {
	case c.metadata.reading <- struct{}{}:
		defer func() { <-c.metadata.reading }()
	case <-ctx.Done():
		return nil, &Error{Op: "GET $metadata", Kind: Unavailable, cause: ctx.Err()}
	}
	if m := c.metadata.have.Load(); m != nil {
		return m, nil
	}
	var read *Metadata
	_, err := c.get(ctx, call{method: http.MethodGet, path: "$metadata", accept: "application/xml", long: true,
		read: func(_ int, contentType string, body io.Reader) (err error) {
			if strings.Contains(contentType, "text/html") {
				return &Error{Op: "GET $metadata", Kind: NotOData}
			}
			read, err = ReadMetadata(body)
			return err
		}})
	if err != nil {
		return nil, err
	}
	c.metadata.have.Store(read)
	return read, nil
}

// ForgetMetadata lets the next question read them anew.
func (c *Client) ForgetMetadata() {
	c.metadata.have.Store(nil)
}

// ReadMetadata reads CSDL as a stream; it holds no more of it than it gives back.
func ReadMetadata(r io.Reader) (*Metadata, error) {
	p := metadataParser{types: map[string]Fields{}, sets: map[string]string{},
		m: &Metadata{Sets: map[string]Fields{}, Rows: map[string]Fields{}, Acts: map[string][]string{}}}
	dec := xml.NewDecoder(r)
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read metadata: %w", err)
		}
		if t, ok := token.(xml.StartElement); ok {
			p.start(t)
		}
	}
	if !p.seen {
		return nil, &Error{Op: "GET $metadata", Kind: NotOData}
	}
	for set, typ := range p.sets {
		p.m.Sets[set] = p.types[typ]
	}
	return p.m, nil
}

type metadataParser struct {
	m        *Metadata
	types    map[string]Fields
	sets     map[string]string // set to its type
	current  Fields
	function string
	seen     bool
}

func (p *metadataParser) start(t xml.StartElement) {
	attr := func(name string) string {
		for _, a := range t.Attr {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
	switch t.Name.Local {
	case "Edmx":
		p.seen = true
	case "EntityType":
		p.current = Fields{}
		p.types[attr("Name")] = p.current
	case "ComplexType":
		p.current = Fields{}
		p.m.Rows[attr("Name")] = p.current
	case "Property":
		if p.current != nil {
			p.current[attr("Name")] = attr("Type")
		}
	case "EntitySet":
		p.sets[attr("Name")] = local(attr("EntityType"))
	case "FunctionImport":
		p.current, p.function = nil, attr("Name")
	case "Parameter":
		if attr("Name") == "bindingParameter" {
			owner := local(strings.TrimSuffix(strings.TrimPrefix(attr("Type"), "Collection("), ")"))
			p.m.Acts[owner] = append(p.m.Acts[owner], p.function)
		}
	}
}
