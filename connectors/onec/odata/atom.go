package odata

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Change is one entry of a change feed.
type Change struct {
	Set     string // "" of what is no object, such as a record set of a register
	Ref     string
	Deleted bool   // it is gone, not only marked
	Raw     []byte // the entry as it came, for DecodeEntry; characters that XML does not know are blanks
}

// maxDepth bounds nesting: a tabular section has a depth of eight.
const maxDepth = 32

// decodeFeed gives the entries of a feed one after the other. Names are matched without their
// namespaces: prefixes differ from one publication to the next.
func decodeFeed(body []byte, yield func(Change) error) error {
	body = bearable(body)
	dec := newDecoder(body)
	for depth, begun := 0, false; ; {
		start := dec.InputOffset()
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			if depth != 0 || !begun {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			if depth == 0 && t.Name.Local != "feed" && t.Name.Local != "entry" {
				return fmt.Errorf("no feed but %s", t.Name.Local)
			}
			begun = true
			var c Change
			switch t.Name.Local {
			case "entry":
			case "deleted-entry":
				c.Deleted = true
			default:
				depth++
				continue
			}
			if err := dec.Skip(); err != nil {
				return err
			}
			c.Raw = bytes.TrimSpace(body[start:dec.InputOffset()])
			if c.Set, c.Ref, err = named(c.Raw); err != nil {
				return err
			}
			if err := yield(c); err != nil {
				return err
			}
		}
	}
}

// bearable blanks the control characters that people paste into records and some bases put
// into a feed as they are: one of them would hold back the changes of all others.
func bearable(body []byte) []byte {
	odd := func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' }
	if bytes.IndexFunc(body, odd) < 0 {
		return body
	}
	return bytes.Map(func(r rune) rune {
		if odd(r) {
			return ' '
		}
		return r
	}, body)
}

func newDecoder(body []byte) *xml.Decoder {
	dec := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, bom)))
	dec.Strict = true
	dec.Entity = nil // no entities but the five of XML
	return dec
}

var objectAddress = regexp.MustCompile(`([\p{L}\p{N}_%]+)\(guid'([0-9a-fA-F-]{36})'\)`)

// named finds set and reference of an entry in its id, or in the ref of a deleted one.
func named(raw []byte) (set, ref string, err error) {
	dec := newDecoder(raw)
	for depth := 0; ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return "", "", nil
		}
		if err != nil {
			return "", "", err
		}
		switch t := token.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			depth++
			address := ""
			if t.Name.Local == "deleted-entry" {
				for _, a := range t.Attr {
					if a.Name.Local == "ref" {
						address = a.Value
					}
				}
			}
			if t.Name.Local == "id" && depth == 2 {
				if err := dec.DecodeElement(&address, &t); err != nil {
					return "", "", err
				}
				depth--
			}
			if m := objectAddress.FindStringSubmatch(unescape(address)); m != nil {
				return m[1], strings.ToLower(m[2]), nil
			}
		}
	}
}

// DecodeEntry reads an entry of Atom as an object. Values are texts: what they are
// is the metadata's to say.
func DecodeEntry(raw []byte) (Entity, error) {
	dec := newDecoder(raw)
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("no object in Atom: %w", err)
		}
		if t, ok := token.(xml.StartElement); ok && t.Name.Local == "properties" {
			return decodeProperties(dec, 0)
		}
	}
}

func decodeProperties(dec *xml.Decoder, depth int) (Entity, error) {
	if depth > maxDepth {
		return nil, errors.New("no object in Atom: it is nested too deep")
	}
	e := Entity{}
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("object in Atom: %w", err)
		}
		switch t := token.(type) {
		case xml.EndElement:
			return e, nil
		case xml.StartElement:
			if e[t.Name.Local], err = decodeProperty(dec, t, depth); err != nil {
				return nil, err
			}
		}
	}
}

// decodeProperty reads a field: text, or rows if it is a collection.
func decodeProperty(dec *xml.Decoder, start xml.StartElement, depth int) (any, error) {
	if !isCollection(start) {
		var s string
		if err := dec.DecodeElement(&s, &start); err != nil {
			return nil, fmt.Errorf("field in Atom: %w", err)
		}
		return s, nil
	}
	rows := []Entity{}
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("rows in Atom: %w", err)
		}
		switch token.(type) {
		case xml.EndElement:
			return rows, nil
		case xml.StartElement:
			row, err := decodeProperties(dec, depth+1)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
}

func isCollection(t xml.StartElement) bool {
	for _, a := range t.Attr {
		if a.Name.Local == "type" && strings.HasPrefix(a.Value, "Collection(") {
			return true
		}
	}
	return false
}
