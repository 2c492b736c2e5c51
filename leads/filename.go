package leads

import (
	"path"
	"strings"
	"unicode"
)

// maxFileName is how many letters of a name are kept: every disk takes that many.
const maxFileName = 120

// FileName is what is kept of the name that a stranger gave a file: its last part, without what nobody sees or what turns
// the direction of writing ("gpj.exe" that looks like "exe.jpg"), short enough and with its ending. "" when nothing is left.
func FileName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "_"), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if r == '/' || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, name)
	letters := []rune(strings.Trim(name, ". "))
	if len(letters) > maxFileName {
		ending := []rune(path.Ext(string(letters)))
		ending = ending[:min(len(ending), 20)]
		letters = append(letters[:maxFileName-len(ending)], ending...)
	}
	return string(letters)
}
