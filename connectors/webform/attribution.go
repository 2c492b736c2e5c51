package webform

import (
	"net/http"
	"net/url"
	"strings"

	"marshrut/connectors"
	"marshrut/leads"
)

// Click ids are opaque texts: most are longer than a number holds.
var clickIDs = []string{"yclid", "gclid", "gbraid", "wbraid", "fbclid", "rb_clickid", "ymclid", "ysclid", "vk_click_id", "ttclid", "msclkid", "erid", "roistat", "roistat_visit", "_ym_uid", "_ga", "_fbc", "_fbp", "_ct_session_id"}

var clickAliases = map[string]string{"gcl_id": "gclid", "visit": "", "ym_uid": "_ym_uid", "metrika_client_id": "_ym_uid", "ym_client_id": "_ym_uid", "ga": "_ga"}

// utmNames are the parts of UTM, with what senders call them.
var utmNames = map[string]string{"source": "source", "medium": "medium", "campaign": "campaign", "name": "campaign", "content": "content", "term": "term"}

// emptyMarks are what call trackers write for nothing.
var emptyMarks = map[string]bool{"(not set)": true, "<не указано>": true, "(none)": true, "undefined": true, "null": true, "offline": true, "none": true, "-": true, "[object object]": true}

// attribution collects how the client came. The first place that names a value wins:
// fields of the form, then the address of the page, then cookies.
type attribution struct {
	leads.Attribution
	first leads.UTM
}

func (a *attribution) utm(into *leads.UTM, part, value string) {
	value = strings.TrimSpace(value)
	if emptyMarks[strings.ToLower(value)] || strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return
	}
	if strings.Contains(value, "%D0%") || strings.Contains(value, "%D1%") { // encoded twice on its way
		value = charset{}.text(unescape(value))
	}
	slot := map[string]*string{"source": &into.Source, "medium": &into.Medium, "campaign": &into.Campaign, "content": &into.Content, "term": &into.Term}[utmNames[part]]
	if slot != nil && *slot == "" {
		*slot = cut(value, 1000)
	}
}

func (a *attribution) click(name, value string) {
	if value == "" || emptyMarks[strings.ToLower(value)] {
		return
	}
	if a.ClickIDs == nil {
		a.ClickIDs = map[string]string{}
	}
	if a.ClickIDs[name] == "" && len(a.ClickIDs) < 30 {
		a.ClickIDs[name] = cut(value, 500)
	}
}

// field takes a field of the form when it is about attribution, and says as what.
func (a *attribution) field(f Field) (known string, taken bool) {
	name := strings.ToLower(strings.ReplaceAll(f.Name(), "-", "_"))
	if name == "utm" && strings.ContainsAny(f.Value, "=|") { // source=google|medium=cpc
		a.utmText(f.Value)
		return knownUTM, true
	}
	for _, p := range f.Path[:max(len(f.Path)-1, 0)] {
		if p = strings.ToLower(p); (p == "utm" || p == "utms") && utmNames[name] != "" {
			a.utm(&a.UTM, name, f.Value)
			return knownUTM, true
		}
	}
	first := strings.HasPrefix(name, "first_utm_") || strings.HasSuffix(name, "_first")
	part, isUTM := strings.CutPrefix(strings.TrimSuffix(strings.TrimPrefix(name, "first_"), "_first"), "utm_")
	if !isUTM {
		part, isUTM = strings.CutPrefix(strings.ToLower(f.Name()), "utm") // utmSource
		isUTM = isUTM && utmNames[part] != ""
	}
	if isUTM && utmNames[part] != "" {
		if first {
			a.utm(&a.first, part, f.Value)
		} else {
			a.utm(&a.UTM, part, f.Value)
		}
		return knownUTM, true
	}
	if alias, ok := clickAliases[name]; ok && alias != "" {
		name = alias
	}
	for _, id := range clickIDs {
		if name == id {
			a.click(id, f.Value)
			return knownClickID, true
		}
	}
	return "", false
}

// utmText reads "source=google|medium=cpc" and "utm_source=google&utm_medium=cpc".
func (a *attribution) utmText(s string) {
	for pair := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '|' || r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		part := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "utm_")
		if utmNames[part] != "" {
			a.utm(&a.UTM, part, string(unescape(value)))
		}
	}
}

// address reads the marks out of the query of a page's address.
func (a *attribution) address(page string) {
	u, err := url.Parse(page)
	if err != nil {
		return
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		a.field(Field{Key: name, Path: []string{name}, Value: charset{}.text(unescape(value))})
	}
}

// cookies reads a Cookie string for the ids that analytics keep there.
func (a *attribution) cookies(s string) {
	for pair := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		for _, id := range clickIDs {
			if name == id {
				a.click(id, string(unescape(value)))
			}
		}
	}
}

// finish fills what no field said from what the transport knew.
func (a *attribution) finish(r connectors.Request) leads.Attribution {
	if a.Page == "" {
		a.Page = pageOf(r.Header)
	}
	for _, page := range []string{a.Page, a.Landing, a.Referrer} {
		a.address(page)
	}
	if a.IP == "" && r.Remote.IsValid() {
		a.IP = r.Remote.String()
	}
	if a.UserAgent == "" {
		a.UserAgent = cut(clean(strings.ToValidUTF8(r.Header.Get("User-Agent"), "\uFFFD")), 500)
	}
	if a.first != (leads.UTM{}) {
		a.FirstUTM = &a.first
	}
	return a.Attribution
}

func pageOf(h http.Header) string {
	if page := h.Get("Referer"); page != "" {
		return cut(clean(strings.ToValidUTF8(page, "\uFFFD")), 2000)
	}
	return cut(clean(strings.ToValidUTF8(h.Get("Origin"), "\uFFFD")), 2000)
}
