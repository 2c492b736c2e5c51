package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"marshrut/connectors"
	"marshrut/connectors/catalog"
)

func TestEveryProviderHasANameOfItsOwnAndOpensWithItsDefaults(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range catalog.All() {
		name := p.Connector + "/" + p.Name
		if seen[name] {
			t.Errorf("%s is listed twice", name)
		}
		seen[name] = true
		if _, err := p.New(connectors.Connection{Name: "x", Connector: p.Connector, Provider: p.Name}); err != nil {
			t.Errorf("%s does not open with its defaults: %v", name, err)
		}
	}
}

func TestAnUnknownProviderIsRefusedWithTheListOfThoseThereAre(t *testing.T) {
	first := catalog.All()[0]
	if p, err := catalog.Find(first.Connector, first.Name); err != nil || p.Name != first.Name {
		t.Errorf("%v, %v", p.Name, err)
	}
	_, err := catalog.Find("webform", "nobody")
	if !errors.Is(err, connectors.ErrUnknown) || !strings.Contains(err.Error(), first.Connector+"/"+first.Name) {
		t.Errorf("got %v", err)
	}
}
