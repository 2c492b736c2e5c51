package odata

import (
	"bufio"
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

// window is the part of a feed that is being read: whoever registers all objects for a node makes a feed larger than
// memory. It blanks the control characters that people paste into records and some bases put into a feed as they are: one
// of them would hold back the changes of all others.
type window struct {
	from  io.Reader
	limit int64  // of one entry
	kept  []byte // what was read and may be of the entry under way
	at    int64  // where in the feed kept begins
	err   error  // why there is no more, unless it ended
}

func newWindow(feed io.Reader, limit int64) *window {
	from := bufio.NewReader(feed)
	if start, err := from.Peek(len(bom)); err == nil && bytes.Equal(start, bom) {
		_, _ = from.Discard(len(bom)) // they were read
	}
	return &window{from: from, limit: limit}
}

func (w *window) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	for i, b := range p[:n] {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' {
			p[i] = ' '
		}
	}
	w.kept = append(w.kept, p[:n]...)
	if int64(len(w.kept)) > w.limit {
		err = &Error{Op: "POST SelectChanges", Kind: TooLarge}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// forget gives up what lies before an offset.
func (w *window) forget(before int64) {
	w.kept = w.kept[before-w.at:]
	w.at = before
}

// upTo is what is kept before an offset.
func (w *window) upTo(end int64) []byte { return w.kept[: end-w.at : end-w.at] }

// decodeFeed gives the entries of a feed one after the other. Names are matched without their
// namespaces: prefixes differ from one publication to the next.
func decodeFeed(feed *window, yield func(Change) error) error {
	dec := strict(feed)
	for depth, begun := 0, false; ; {
		feed.forget(dec.InputOffset())
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
			c.Raw = bytes.TrimSpace(feed.upTo(dec.InputOffset()))
			if c.Set, c.Ref, err = named(c.Raw); err != nil {
				return err
			}
			if err := yield(c); err != nil {
				return err
			}
		}
	}
}

func newDecoder(body []byte) *xml.Decoder {
	return strict(bytes.NewReader(bytes.TrimPrefix(body, bom)))
}

func strict(r io.Reader) *xml.Decoder {
	dec := xml.NewDecoder(r)
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
