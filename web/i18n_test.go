package web

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestBothLanguagesHaveTheSameTexts(t *testing.T) {
	texts, err := loadCatalogues()
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"ru", "en"}, {"en", "ru"}} {
		for key, text := range texts[pair[0]] {
			other, ok := texts[pair[1]][key]
			if !ok {
				t.Errorf("%s has %q, %s does not", pair[0], key, pair[1])
				continue
			}
			for _, name := range regexp.MustCompile(`\{\w+\}`).FindAllString(text, -1) {
				if !strings.Contains(other, name) {
					t.Errorf("%s: %s stands in %s only", key, name, pair[0])
				}
			}
		}
	}
}

// Keys made at run time end in "_" or "." here; at least one text has to begin so.
func TestEveryTextThatPagesNameIsThere(t *testing.T) {
	texts, err := loadCatalogues()
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	collect := func(file, source string, pattern string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(source, -1) {
			named[m[1]] = file
		}
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := templateFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		collect(file, string(source), `[{(]t "([^"]+)"`)
		collect(file, string(source), `t \(print "([^"]+)"`)
		collect(file, string(source), `counted "([^"]+)"`)
	}
	sources, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range sources {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		collect(file, string(source), `\.T\("([^"]+)"`)
		collect(file, string(source), `\.(?:page|blankPage)\(c(?:, actor)?, "([^"]+)"\)`)
		collect(file, string(source), `flash\(c, "([^"]+)"\)`)
		collect(file, string(source), `invalid\{"\w+", "([^"]+)"\}`)
		collect(file, string(source), `"(done\.\w+)"`)
		collect(file, string(source), `"(error\.\w+)"`)
		collect(file, string(source), `"(api\.\w+)"`)
	}
	if len(named) < 300 {
		t.Fatalf("found only %d texts: the patterns do not fit the pages any more", len(named))
	}
	for key, file := range named {
		if _, ok := texts["ru"][key]; ok {
			continue
		}
		begins := false
		for have := range texts["ru"] {
			begins = begins || strings.HasPrefix(have, key)
		}
		if !begins || !strings.HasSuffix(key, "_") && !strings.HasSuffix(key, ".") {
			t.Errorf("%s names the text %q, which nobody has written", file, key)
		}
	}
}

func TestTheHelpOfProvidersCallsOurPagesAsTheMenuDoes(t *testing.T) {
	texts, err := loadCatalogues()
	if err != nil {
		t.Fatal(err)
	}
	helps, err := fs.Glob(os.DirFS("../connectors"), "*/*/setup*.md")
	if err != nil || len(helps) == 0 {
		t.Fatalf("no help found: %v", err)
	}
	ours := map[string]*regexp.Regexp{
		"ru": regexp.MustCompile(`(?:на странице|в разделе|попадает в|попадают в) «([^»]+)»`),
		"en": regexp.MustCompile(`(?:under|on the page) “([^”]+)”`),
	}
	quoted := 0
	for _, help := range helps {
		source, err := os.ReadFile("../connectors/" + help)
		if err != nil {
			t.Fatal(err)
		}
		language := "ru"
		if strings.HasSuffix(help, ".en.md") {
			language = "en"
		}
		for _, m := range ours[language].FindAllStringSubmatch(string(source), -1) {
			quoted++
			if !inMenu(texts[language], m[1]) {
				t.Errorf("%s sends people to %q, which is not in the menu", help, m[1])
			}
		}
	}
	if quoted == 0 {
		t.Error("no help sends anybody anywhere")
	}
}

func inMenu(texts catalogue, name string) bool {
	for key, text := range texts {
		if strings.HasPrefix(key, "menu.") && text == name {
			return true
		}
	}
	return false
}
