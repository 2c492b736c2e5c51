package connectors

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Place is where a connection is reached, for the text of how to set it up. What is empty is not known yet, or not for the
// reader's eyes.
type Place struct {
	Name, PublicURL, Address string
}

// unknownPlace stands in a setup text for what Place does not say.
var unknownPlace = map[string]Text{
	"name":       {"ru": "ИМЯ_ПОДКЛЮЧЕНИЯ", "en": "CONNECTION"},
	"public_url": {"ru": "АДРЕС_СЕРВЕРА", "en": "SERVER"},
	"address":    {"ru": "АДРЕС", "en": "ADDRESS"},
}

// blank is what a setup text leaves open: {{address}}, {{name}} and {{public_url}} of the connection, or the key of a
// setting that is a text.
var blank = regexp.MustCompile(`\{\{([a-z_]+)\}\}`)

// SetupOf gives the text of how to connect a provider, with what this very connection is called filled in. A line about a
// setting that is empty is left out.
func SetupOf(p Provider, at Place, settings json.RawMessage, language string) string {
	values := textSettings(p, settings)
	for key, value := range map[string]string{"name": at.Name, "public_url": at.PublicURL, "address": at.Address} {
		if value == "" {
			value = unknownPlace[key].In(language)
		}
		values[key] = value
	}
	lines := slices.DeleteFunc(strings.Split(p.Setup.In(language), "\n"), func(line string) bool {
		return slices.ContainsFunc(blank.FindAllStringSubmatch(line, -1), func(m []string) bool { value, known := values[m[1]]; return known && value == "" })
	})
	return blank.ReplaceAllStringFunc(strings.Join(lines, "\n"), func(open string) string {
		if value, ok := values[strings.Trim(open, "{}")]; ok {
			return value
		}
		return open
	})
}

// textSettings are the settings that are texts, by key; secrets are none.
func textSettings(p Provider, written json.RawMessage) map[string]string {
	now := map[string]json.RawMessage{}
	_ = json.Unmarshal(written, &now) // what cannot be read leaves the defaults
	values := map[string]string{}
	for _, setting := range SettingsOf(p) {
		if setting.Kind != "text" {
			continue
		}
		text, _ := setting.Default.(string)
		if json.Unmarshal(now[setting.Key], &text) != nil && now[setting.Key] != nil {
			text = ""
		}
		values[setting.Key] = strings.TrimSpace(text)
	}
	return values
}
