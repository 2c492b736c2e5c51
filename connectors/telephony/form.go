package telephony

import (
	"net/url"
	"strings"
)

// Form reads the pairs of a form as exchanges write them. Package url drops a pair that
// holds a semicolon or a percent sign that is none of the encoding; an event would be
// lost with it, so here such a text stays as it came.
func Form(body string) url.Values {
	form := url.Values{}
	for pair := range strings.SplitSeq(body, "&") {
		if name, value, _ := strings.Cut(pair, "="); pair != "" {
			form.Add(unescape(name), unescape(value))
		}
	}
	return form
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+3 <= len(text) {
			if c, err := url.PathUnescape(text[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		if text[i] == '+' {
			b.WriteByte(' ')
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
