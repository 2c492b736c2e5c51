package web

import (
	"embed"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed i18n/*.yaml
var i18nFiles embed.FS

// languages the pages speak; the first one fills in for what is missing.
var languages = []string{"ru", "en"}

// catalogue holds the texts of one language by key, "tasks.title".
type catalogue map[string]string

func loadCatalogues() (map[string]catalogue, error) {
	all := map[string]catalogue{}
	for _, language := range languages {
		body, err := i18nFiles.ReadFile("i18n/" + language + ".yaml")
		if err != nil {
			return nil, fmt.Errorf("read the texts in %s: %w", language, err)
		}
		var tree map[string]any
		if err := yaml.Unmarshal(body, &tree); err != nil {
			return nil, fmt.Errorf("read the texts in %s: %w", language, err)
		}
		texts := catalogue{}
		texts.flatten("", tree)
		all[language] = texts
	}
	return all, nil
}

func (c catalogue) flatten(prefix string, tree map[string]any) {
	for key, value := range tree {
		switch value := value.(type) {
		case map[string]any:
			c.flatten(prefix+key+".", value)
		default:
			c[prefix+key] = fmt.Sprint(value)
		}
	}
}

// text gives the text of a key. Arguments come in pairs, a name and a value, and stand in the text as {name}.
// A key nobody has written is shown as it is, so that it is seen; a test keeps that from happening.
func (c catalogue) text(key string, args ...any) string {
	text, ok := c[key]
	if !ok {
		return key
	}
	for i := 0; i+1 < len(args); i += 2 {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%v}", args[i]), fmt.Sprint(args[i+1]))
	}
	return text
}

// counted gives "1 лид", "2 лида", "5 лидов": the forms stand in the catalogue as "лид|лида|лидов" (Unicode CLDR plural
// rules one, few, many; English has the first and the last).
func (c catalogue) counted(key string, n int, language string) string {
	forms := strings.Split(c.text(key), "|")
	form := forms[len(forms)-1]
	switch {
	case language == "en" && n == 1:
		form = forms[0]
	case language != "en" && len(forms) == 3:
		form = forms[pluralRu(n)]
	}
	return fmt.Sprintf("%d %s", n, form)
}

func pluralRu(n int) int {
	last, lastTwo := n%10, n%100
	switch {
	case last == 1 && lastTwo != 11:
		return 0
	case last >= 2 && last <= 4 && (lastTwo < 12 || lastTwo > 14):
		return 1
	}
	return 2
}
