package bpmn

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Bounds of a file. The largest route maps seen have 140 KiB and nest twelve deep.
const (
	maxFile  = 8 << 20
	maxDepth = 100
	maxTags  = 100_000

	maxElements = 2000 // flow nodes of a file, and as many flows twice over
	maxSteps    = 200  // of a checklist; also outcomes of a task, and values of a choice
)

// ErrNotBPMN is what is not a BPMN 2.0 file at all, or one that no person drew.
var ErrNotBPMN = errors.New("not a BPMN 2.0 file")

// node is one XML element. Namespaces are resolved; chars is what stands directly inside.
type node struct {
	space, name string
	attrs       []xml.Attr
	children    []*node
	chars       []byte
	line        int
}

// attr returns an attribute of the element's own vocabulary, without a namespace.
func (n *node) attr(name string) string { return n.attrIn("", name) }

func (n *node) attrIn(space, name string) string {
	for _, a := range n.attrs {
		if a.Name.Local == name && a.Name.Space == space {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

func (n *node) text() string { return strings.TrimSpace(string(n.chars)) }

// child returns the first BPMN child with a name, or nil.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.space == Namespace && c.name == name {
			return c
		}
	}
	return nil
}

// each calls f for every child in a namespace with one of the names.
func (n *node) each(space string, f func(*node), name ...string) {
	for _, c := range n.children {
		if c.space != space {
			continue
		}
		for _, want := range name {
			if c.name == want {
				f(c)
			}
		}
	}
}

// extensions returns the children of extensionElements, of any namespace.
func (n *node) extensions() []*node {
	if ext := n.child("extensionElements"); ext != nil {
		return ext.children
	}
	return nil
}

func readXML(r io.Reader) (*node, []byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read BPMN: %w", err)
	}
	if len(raw) > maxFile {
		return nil, nil, fmt.Errorf("%w: larger than %d MiB", ErrNotBPMN, maxFile>>20)
	}
	source, err := toUTF8(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %v", ErrNotBPMN, err)
	}
	root, err := readTree(source)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNotBPMN, err)
	}
	return root, source, nil
}

func readTree(source []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(source))
	// The bytes are UTF-8 already, whatever the declaration says.
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	var root *node
	var open []*node
	tags := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.Directive:
			// A document type brings entities, and BPMN has none.
			return nil, errors.New("a DOCTYPE is not allowed")
		case xml.StartElement:
			if tags++; tags > maxTags {
				return nil, fmt.Errorf("more than %d elements", maxTags)
			}
			if len(open) >= maxDepth {
				return nil, fmt.Errorf("elements nest deeper than %d", maxDepth)
			}
			line, _ := d.InputPos()
			n := &node{space: t.Name.Space, name: t.Name.Local, attrs: t.Copy().Attr, line: line}
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.children = append(parent.children, n)
			case root != nil:
				return nil, errors.New("a second root element")
			default:
				root = n
			}
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				top := open[len(open)-1]
				top.chars = append(top.chars, t...)
			}
		}
	}
	if root == nil {
		return nil, errors.New("no XML element")
	}
	return root, nil
}

// toUTF8 decodes by byte order mark, else by the encoding named in the XML declaration.
func toUTF8(raw []byte) ([]byte, error) {
	if bytes.HasPrefix(raw, []byte{0xFF, 0xFE}) || bytes.HasPrefix(raw, []byte{0xFE, 0xFF}) {
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(raw)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF"))
	switch name := declaredEncoding(raw); name {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return raw, nil
	default:
		enc, ok := encodings[name]
		if !ok {
			return nil, fmt.Errorf("encoding %q is not supported; save the file as UTF-8", name)
		}
		return enc.NewDecoder().Bytes(raw)
	}
}

var encodings = map[string]encoding.Encoding{
	"iso-8859-1": charmap.ISO8859_1, "latin1": charmap.ISO8859_1, "windows-1252": charmap.Windows1252,
	"windows-1251": charmap.Windows1251, "cp1251": charmap.Windows1251, "koi8-r": charmap.KOI8R,
	"iso-8859-5": charmap.ISO8859_5,
}

func declaredEncoding(raw []byte) string {
	head, ok := xmlDeclaration(raw)
	if !ok {
		return ""
	}
	_, after, found := bytes.Cut(head, []byte("encoding"))
	if !found {
		return ""
	}
	after = bytes.TrimLeft(after, " \t\r\n=")
	if len(after) == 0 || after[0] != '"' && after[0] != '\'' {
		return ""
	}
	name, _, _ := bytes.Cut(after[1:], after[:1])
	return strings.ToLower(string(name))
}

func xmlDeclaration(raw []byte) ([]byte, bool) {
	if !bytes.HasPrefix(raw, []byte("<?xml")) {
		return nil, false
	}
	head, _, ok := bytes.Cut(raw[:min(len(raw), 300)], []byte("?>"))
	return head, ok
}

// Write writes the file as it was read, with everything that is not executed: diagrams, colours, foreign extensions,
// other pools. It is in UTF-8, and says so.
func (m *Model) Write(w io.Writer) error {
	source := m.source
	if head, ok := xmlDeclaration(source); ok {
		if _, err := io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`); err != nil {
			return fmt.Errorf("write BPMN: %w", err)
		}
		source = source[len(head)+len("?>"):]
	}
	if _, err := w.Write(source); err != nil {
		return fmt.Errorf("write BPMN: %w", err)
	}
	return nil
}
