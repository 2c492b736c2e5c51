package catalog_test

import (
	"os"
	"strings"
	"testing"

	"marshrut/connectors"
	"marshrut/connectors/catalog"
)

func TestTheGuideNamesEverySettingOfAForm(t *testing.T) {
	guide, err := os.ReadFile("../../docs/connecting-a-form.md")
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.Find("webform", "generic")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range connectors.SettingsOf(p) {
		if !strings.Contains(string(guide), "`"+s.Key+"`") {
			t.Errorf("docs/connecting-a-form.md does not name %s", s.Key)
		}
	}
}

func TestTheGuideNamesEverySettingOfABase(t *testing.T) {
	guide, err := os.ReadFile("../../docs/connecting-1c.md")
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.Find("onec", "infobase")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range connectors.SettingsOf(p) {
		if !strings.Contains(string(guide), "`"+s.Key+"`") {
			t.Errorf("docs/connecting-1c.md does not name %s", s.Key)
		}
	}
}

func TestTheGuideNamesEverySettingOfEveryExchange(t *testing.T) {
	guide, err := os.ReadFile("../../docs/connecting-a-telephone-exchange.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range catalog.All() {
		if p.Connector != "telephony" {
			continue
		}
		for _, s := range connectors.SettingsOf(p) {
			if !strings.Contains(string(guide), "`"+s.Key+"`") && !strings.Contains(string(guide), s.Key+": ") {
				t.Errorf("docs/connecting-a-telephone-exchange.md does not name %s of %s", s.Key, p.Name)
			}
		}
	}
}

func TestTheGuideToProvidersNamesWhatThereIs(t *testing.T) {
	guide, err := os.ReadFile("../../docs/adding-a-provider.md")
	if err != nil {
		t.Fatal(err)
	}
	catalogCode, err := os.ReadFile("catalog.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"connectortest.Provider", "connectortest.Recorded", "webform.Plain", "inquiries.json", "setup.en.md"} {
		if !strings.Contains(string(guide), name) {
			t.Errorf("docs/adding-a-provider.md does not name %s", name)
		}
	}
	// One line per provider: what the guide promises.
	for _, p := range catalog.All() {
		if strings.Count(string(catalogCode), p.Name+".Provider(),") != 1 {
			t.Errorf("%s is not one line of the catalog", p.Name)
		}
	}
}
