package webform

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"marshrut/connectors"
)

// Receive looks at a submission without understanding it: who sent it, the number it
// carries, and what the browser or the server that sent it wants to hear.
func (i *Instance) Receive(r connectors.Request) (connectors.Receipt, error) {
	if greeting, ok := i.greet(r); ok {
		return greeting, nil
	}
	form := Decode(r)
	receipt, err := i.dialect.Identify(r, form)
	if err != nil {
		return connectors.Receipt{}, err
	}
	if receipt.VendorID == "" {
		receipt.VendorID = i.number(r, form)
	}
	if receipt.Response.Status == 0 {
		receipt.Response = i.thanks(r)
	}
	if receipt.Response.Header == nil {
		receipt.Response.Header = http.Header{}
	}
	i.allowOrigin(r, receipt.Response.Header)
	return receipt, nil
}

// greet answers what is no submission: a preflight, a look at the address.
func (i *Instance) greet(r connectors.Request) (connectors.Receipt, bool) {
	switch {
	case r.Method == http.MethodOptions:
		h := http.Header{}
		if i.allowOrigin(r, h) {
			h.Set("Access-Control-Allow-Methods", "POST, GET, PUT, PATCH, OPTIONS")
			h.Set("Access-Control-Allow-Headers", cmp.Or(allowedHeaders(r.Header.Get("Access-Control-Request-Headers")), "Content-Type"))
			h.Set("Access-Control-Max-Age", "600")
		}
		h.Add("Vary", "Access-Control-Request-Headers")
		return connectors.Receipt{Handshake: true, Response: connectors.Response{Status: http.StatusNoContent, Header: h}}, true
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Query == "" && len(r.Body) == 0:
		return connectors.Receipt{Handshake: true, Response: connectors.Response{
			Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte(texts[i.language()].greeting + "\n"),
		}}, true
	}
	return connectors.Receipt{}, false
}

// number is the sender's own number of the inquiry: the field the settings name, or a
// header that stands for one delivery through all its repeats.
func (i *Instance) number(r connectors.Request, f Form) string {
	if i.settings.IDField != "" {
		if id := f.Get(i.settings.IDField); id != "" {
			return cut(id, 200)
		}
	}
	for _, name := range []string{"Idempotency-Key", "Webhook-Id", "X-Delivery-Id"} {
		if id := r.Header.Get(name); id != "" {
			return cut(clean(strings.ToValidUTF8(id, "")), 200)
		}
	}
	return ""
}

// thanks sends a visitor of a plain form on to the page the settings name, or shows
// one; a script gets the id.
func (i *Instance) thanks(r connectors.Request) connectors.Response {
	if !browserNavigates(r) {
		return connectors.Response{}
	}
	if i.settings.Redirect != "" {
		return connectors.Response{Status: http.StatusSeeOther, Redirect: i.settings.Redirect}
	}
	return connectors.Response{Status: http.StatusAccepted, ContentType: "text/html; charset=utf-8", Body: thanksPage(i.language())}
}

// browserNavigates tells a form that was submitted from a script that posts.
func browserNavigates(r connectors.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.HasPrefix(r.Header.Get("Accept"), "text/html")
}

// allowOrigin writes the CORS headers for a script on one of the allowed sites. An
// Origin that is not allowed is no reason to lose the inquiry: the browser only
// keeps the answer from the script.
func (i *Instance) allowOrigin(r connectors.Request, h http.Header) bool {
	origin := r.Header.Get("Origin")
	if len(i.settings.Origins) == 0 {
		h.Set("Access-Control-Allow-Origin", "*")
		return true
	}
	h.Add("Vary", "Origin")
	if origin == "" || !slices.ContainsFunc(i.settings.Origins, func(o string) bool { return strings.EqualFold(o, origin) }) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	return true
}

// allowedHeaders repeats what the browser asks for, as far as it is a list of header names.
func allowedHeaders(asked string) string {
	if len(asked) > 500 || strings.IndexFunc(asked, func(r rune) bool {
		return !(r == ',' || r == ' ' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) >= 0 {
		return ""
	}
	return asked
}

func (i *Instance) language() string {
	if i.connection.Language == "en" {
		return "en"
	}
	return "ru"
}

func pathText(path []string) string { return strings.Join(path, ".") }
