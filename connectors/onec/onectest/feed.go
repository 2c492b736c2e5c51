package onectest

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// feed writes changes as Atom.
func (b *Base) feed(changes []change) string {
	var w strings.Builder
	w.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" xml:base="http://base.example/odata/standard.odata/">` + "\n")
	for _, c := range changes {
		id := fmt.Sprintf("http://base.example/odata/standard.odata/%s(guid'%s')", url.PathEscape(c.set), c.ref)
		o, ok := b.sets[c.set].objects[c.ref]
		if !ok {
			fmt.Fprintf(&w, `<at:deleted-entry ref="%s" when="2026-03-02T10:00:00"/>`+"\n", id)
			continue
		}
		fmt.Fprintf(&w, `<entry><id>%s</id><category term="StandardODATA.%s" scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme"/><content type="application/xml"><m:properties>`, id, c.set)
		b.properties(&w, c.set, b.shown(b.sets[c.set], o))
		w.WriteString("</m:properties></content></entry>\n")
	}
	w.WriteString("</feed>")
	return w.String()
}

func (b *Base) properties(w *strings.Builder, set string, o Object) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		rows, ok := o[name].([]Object)
		if !ok {
			fmt.Fprintf(w, "<d:%s>", name)
			_ = xml.EscapeText(w, []byte(fmt.Sprint(o[name])))
			fmt.Fprintf(w, "</d:%s>", name)
			continue
		}
		typ := fmt.Sprintf("StandardODATA.%s_%s_RowType", set, name)
		fmt.Fprintf(w, `<d:%s m:type="Collection(%s)">`, name, typ)
		for _, row := range rows {
			fmt.Fprintf(w, `<d:element m:type="%s">`, typ)
			b.properties(w, set, row)
			w.WriteString("</d:element>")
		}
		fmt.Fprintf(w, "</d:%s>", name)
	}
}
