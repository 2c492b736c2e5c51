package onectest

import (
	"fmt"
	"strings"
)

const (
	emptyRef   = "00000000-0000-0000-0000-000000000000"
	emptyDate  = "0001-01-01T00:00:00"
	dateLayout = "2006-01-02T15:04:05"
)

// Schema is what a base publishes.
type Schema struct {
	Sets  []Set
	Plans map[string][]string // sets of each exchange plan
	Nodes []NodeOf
}

// NodeOf is a node of an exchange plan.
type NodeOf struct{ Plan, Ref string }

// Set is a catalog or document.
type Set struct {
	Name         string
	NumberLength int
	Description  int // its length; 0: there is none
	Fields       []Field
	Predefined   []Object
}

// Field is an attribute, or a tabular section when it has Rows.
type Field struct {
	Name   string
	Type   string // Edm.String, Edm.Guid, Edm.Boolean, Edm.DateTime, Edm.Double, Edm.Int64
	Length int    // of a string; 0: any
	Fixed  bool   // filled with blanks
	Day    bool   // of a date: it keeps no time of day
	Rows   []Field
}

func (f Field) zero() any {
	switch {
	case f.Rows != nil:
		return []Object{}
	case f.Type == "Edm.Guid":
		return emptyRef
	case f.Type == "Edm.Boolean":
		return false
	case f.Type == "Edm.DateTime":
		return emptyDate
	case f.Type == "Edm.Double":
		return 0.0
	case f.Type == "Edm.Int64":
		return "0"
	}
	return ""
}

// fields are the standard ones and the set's own.
func (s Set) fields() []Field {
	all := []Field{{Name: "Ref_Key", Type: "Edm.Guid"}, {Name: "DataVersion", Type: "Edm.String"}, {Name: "DeletionMark", Type: "Edm.Boolean"}}
	switch {
	case strings.HasPrefix(s.Name, "Document_"):
		all = append(all, Field{Name: "Number", Type: "Edm.String", Length: s.NumberLength, Fixed: true},
			Field{Name: "Date", Type: "Edm.DateTime"}, Field{Name: "Posted", Type: "Edm.Boolean"})
	default:
		all = append(all, Field{Name: "PredefinedDataName", Type: "Edm.String"}, Field{Name: "Predefined", Type: "Edm.Boolean"})
		if s.NumberLength > 0 {
			all = append(all, Field{Name: "Code", Type: "Edm.String", Length: s.NumberLength, Fixed: true})
		}
	}
	if s.Description > 0 {
		all = append(all, Field{Name: "Description", Type: "Edm.String", Length: s.Description})
	}
	return append(all, s.Fields...)
}

func (s Set) field(name string) (Field, bool) {
	for _, f := range s.fields() {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Without gives the schema without a set: a base in which it was not published.
func (s Schema) Without(set string) Schema {
	var kept []Set
	for _, one := range s.Sets {
		if one.Name != set {
			kept = append(kept, one)
		}
	}
	s.Sets = kept
	return s
}

// WithoutField gives the schema without a field of a set.
func (s Schema) WithoutField(set, field string) Schema {
	sets := make([]Set, len(s.Sets))
	for i, one := range s.Sets {
		sets[i] = one
		if one.Name != set {
			continue
		}
		sets[i].Fields = nil
		for _, f := range one.Fields {
			if f.Name != field {
				sets[i].Fields = append(sets[i].Fields, f)
			}
		}
	}
	s.Sets = sets
	return s
}

// metadata writes CSDL as bases do.
func (b *Base) metadata() string {
	var types, rows, sets, acts strings.Builder
	property := func(w *strings.Builder, owner string, f Field) {
		typ := f.Type
		if f.Rows != nil {
			typ = "Collection(StandardODATA." + owner + "_" + f.Name + "_RowType)"
		}
		fmt.Fprintf(w, "<Property Name=%q Type=%q Nullable=\"true\"/>\n", f.Name, typ)
	}
	for _, s := range b.options.Schema.Sets {
		if b.behave.Unpublished[s.Name] {
			continue
		}
		fmt.Fprintf(&types, "<EntityType Name=%q OpenType=\"true\"><Key><PropertyRef Name=\"Ref_Key\"/></Key>\n", s.Name)
		for _, f := range s.fields() {
			property(&types, s.Name, f)
			if f.Rows == nil {
				continue
			}
			fmt.Fprintf(&rows, "<ComplexType Name=\"%s_%s_RowType\">\n", s.Name, f.Name)
			for _, inner := range append([]Field{{Name: "Ref_Key", Type: "Edm.Guid"}, {Name: "LineNumber", Type: "Edm.Int64"}}, f.Rows...) {
				property(&rows, s.Name, inner)
			}
			rows.WriteString("</ComplexType>\n")
		}
		types.WriteString("</EntityType>\n")
		fmt.Fprintf(&sets, "<EntitySet Name=%q EntityType=\"StandardODATA.%s\"/>\n", s.Name, s.Name)
		if strings.HasPrefix(s.Name, "Document_") {
			for _, act := range []string{"Post", "Unpost"} {
				fmt.Fprintf(&acts, "<FunctionImport Name=%q IsBindable=\"true\" IsSideEffecting=\"true\"><Parameter Name=\"bindingParameter\" Type=\"StandardODATA.%s\"/></FunctionImport>\n", act, s.Name)
			}
		}
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<edmx:Edmx xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" Version="1.0">
<edmx:DataServices xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" m:DataServiceVersion="3.0" m:MaxDataServiceVersion="3.0">
<Schema xmlns="http://schemas.microsoft.com/ado/2009/11/edm" Namespace="StandardODATA">
` + types.String() + rows.String() + `<EntityContainer Name="EnterpriseV8" m:IsDefaultEntityContainer="true">
` + sets.String() + acts.String() + `</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>`
}
