package repository

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// list, dictionary and object are JSON as a column of jsonb takes it. The values are plain: marshalling cannot fail.
func list[T any](v []T) string {
	if len(v) == 0 {
		return "[]"
	}
	return object(v)
}

func dictionary(m map[string]string) string {
	if len(m) == 0 {
		return "{}"
	}
	return object(m)
}

func object(v any) string {
	b, _ := json.Marshal(v)
	if s := string(b); !strings.Contains(s, `\u0000`) { // jsonb refuses NUL, and so it is rare
		return s
	}
	var plain any
	_ = json.Unmarshal(b, &plain) // it was JSON a line ago
	b, _ = json.Marshal(withoutNUL(plain))
	return string(b)
}

// withoutNUL drops NUL from every text of a JSON value.
func withoutNUL(v any) any {
	switch v := v.(type) {
	case string:
		return text(v)
	case []any:
		for i := range v {
			v[i] = withoutNUL(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[text(key)] = withoutNUL(value)
		}
		return out
	}
	return v
}

// seconds of a call as the column holds them; an exchange that reports centuries is not believed.
func seconds(d time.Duration) int32 {
	return int32(max(0, min(d/time.Second, math.MaxInt32)))
}
