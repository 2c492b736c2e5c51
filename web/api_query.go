package web

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// knownQuery refuses parameters there are not: a filter that is misspelt would give everything.
func knownQuery(c *gin.Context, known ...string) error {
	for name := range c.Request.URL.Query() {
		if !slices.Contains(known, name) {
			return badField("/query/"+pointerPart(strings.ToValidUTF8(name, "·")), "api.no_parameter")
		}
	}
	return nil
}

// readableAddress:  PostgreSQL keeps neither a NUL nor what is no UTF-8, so nothing can be found by them.
func readableAddress(c *gin.Context) error {
	for _, p := range c.Params {
		if !keepable(p.Value) {
			return &apiProblem{Status: 404}
		}
	}
	for name, values := range c.Request.URL.Query() {
		for _, value := range values {
			if !keepable(value) {
				return badField("/query/"+pointerPart(strings.ToValidUTF8(name, "·")), "api.unreadable")
			}
		}
	}
	return nil
}

func keepable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// pointerPart is a name as part of a JSON pointer (RFC 6901).
func pointerPart(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

func flagOf(c *gin.Context, name string) (bool, error) {
	switch c.Query(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, badField("/query/"+name, "api.no_flag")
}

// leadParameter is the id in ?lead=, 0 without one.
func leadParameter(c *gin.Context) (int64, error) {
	raw := c.Query("lead")
	if raw == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || id < 1 {
		return 0, badField("/query/lead", "api.no_id")
	}
	return id, nil
}

// maskedJSON hides phones and addresses in all texts of a JSON value. Moments and numbers stay what they are.
func maskedJSON(raw []byte) json.RawMessage {
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return json.RawMessage("null")
	}
	out, err := json.Marshal(maskedValue(value))
	if err != nil {
		return json.RawMessage("null")
	}
	return out
}

func maskedValue(value any) any {
	switch v := value.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			return v
		}
		return masked(v)
	case []any:
		for i := range v {
			v[i] = maskedValue(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = maskedValue(v[key])
		}
	}
	return value
}

func numberOf(c *gin.Context, name string) (int, error) {
	raw := c.Query(name)
	if raw == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(raw, 10, 32)
	if err != nil || n < 1 {
		return 0, badField("/query/"+name, "api.no_number")
	}
	return int(n), nil
}
