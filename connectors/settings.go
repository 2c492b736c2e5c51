package connectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Secret is a setting that is sealed at rest and never printed.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "<secret>"
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret from JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the secret as it is written.
func (s *Secret) UnmarshalText(b []byte) error { *s = Secret(b); return nil }

// Reveal gives the secret itself to the one who checks with it.
func (s Secret) Reveal() string { return string(s) }

// minSecret is the shortest secret we take, and so the shortest text Redact looks for.
const minSecret = 8

// Duration is a setting like "2s" or "1h30m".
type Duration time.Duration

// MarshalText writes the duration as UnmarshalText reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads Go's notation of durations.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is no duration: write it like 2s, 10m or 1h30m", b)
	}
	*d = Duration(v)
	return nil
}

// Decode gives a connection's settings: the defaults, what is written over them,
// and the secrets. An unknown key or a value of the wrong kind is an error that
// names the key and the cure; a Validate method of S has the last word.
func Decode[S any](c Connection, defaults S) (S, error) {
	var s S
	copied, err := json.Marshal(defaults) // lists and maps of the defaults are not shared
	if err != nil {
		return s, fmt.Errorf("copy default settings of %s/%s: %w", c.Connector, c.Provider, err)
	}
	if err := json.Unmarshal(copied, &s); err != nil {
		return s, fmt.Errorf("copy default settings of %s/%s: %w", c.Connector, c.Provider, err)
	}
	if err := decodeStrict(c.Settings, &s); err != nil {
		return s, fmt.Errorf("settings of connection %s: %w", c.Name, err)
	}
	if err := setSecrets(reflect.ValueOf(&s).Elem(), c.Secrets); err != nil {
		return s, fmt.Errorf("settings of connection %s: %w", c.Name, err)
	}
	if v, ok := any(s).(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return s, fmt.Errorf("settings of connection %s: %w", c.Name, err)
		}
	}
	return s, nil
}

var unknownField = regexp.MustCompile(`unknown field "(.*)"`)

func decodeStrict(raw json.RawMessage, into any) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var wrongKind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongKind):
		return fmt.Errorf("%s must be %s, not %s", wrongKind.Field, kindInWords(wrongKind.Type), wrongKind.Value)
	}
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		known := Keys(into)
		return fmt.Errorf("there is no key %q%s; the keys are %s", m[1], guess(m[1], known), strings.Join(known, ", "))
	}
	return err
}

func kindInWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a group of keys"
	default:
		return "a number"
	}
}

// guess names the known key that begins like the unknown one.
func guess(key string, known []string) string {
	for _, k := range known {
		n := min(len(k), len(key), 4)
		if strings.EqualFold(k[:n], key[:n]) && n > 2 {
			return fmt.Sprintf(" (did you mean %q?)", k)
		}
	}
	return ""
}

var secretType = reflect.TypeFor[Secret]()

func setSecrets(v reflect.Value, secrets map[string]string) error {
	for _, f := range fieldsOf(v.Type()) {
		value, ok := secrets[f.key]
		if f.typ != secretType || !ok {
			continue
		}
		v.FieldByIndex(f.index).SetString(value)
	}
	for _, f := range fieldsOf(v.Type()) {
		if f.typ != secretType {
			continue
		}
		if n := v.FieldByIndex(f.index).Len(); n > 0 && n < minSecret {
			return fmt.Errorf("%s has %d characters, a secret needs at least %d", f.key, n, minSecret)
		}
	}
	return nil
}

// SplitSecrets takes the secrets out of written settings, so that the two can be
// stored apart. settings is the provider's struct, or a pointer to it.
func SplitSecrets(settings any, raw json.RawMessage) (json.RawMessage, map[string]string, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return json.RawMessage("{}"), map[string]string{}, nil
	}
	keys := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &keys); err != nil {
		return nil, nil, fmt.Errorf("settings are no group of keys: %w", err)
	}
	secrets := map[string]string{}
	for _, f := range fieldsOf(structType(settings)) {
		value, ok := keys[f.key]
		if !ok || f.typ != secretType {
			continue
		}
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return nil, nil, fmt.Errorf("%s must be a text", f.key)
		}
		secrets[f.key] = text
		delete(keys, f.key)
	}
	plain, err := json.Marshal(keys)
	return plain, secrets, err
}

// Keys lists the keys of a settings struct in its order.
func Keys(settings any) []string {
	var keys []string
	for _, f := range fieldsOf(structType(settings)) {
		keys = append(keys, f.key)
	}
	return keys
}

// Setting describes one key of a provider's settings, so that pages and commands
// can ask for it without knowing the provider.
type Setting struct {
	Key     string
	Kind    string // text, secret, bool, number, duration, list, map
	Title   Text
	Hint    Text
	Choices []string // of a text; empty: free
	Default any      // as it stands in JSON
}

// SettingsOf describes the settings of a provider in their order.
func SettingsOf(p Provider) []Setting {
	if p.Settings == nil {
		return nil
	}
	v := reflect.Indirect(reflect.ValueOf(p.Settings))
	var all []Setting
	for _, f := range fieldsOf(v.Type()) {
		s := Setting{
			Key: f.key, Kind: kindOf(f.typ),
			Title:   Text{"ru": f.tag.Get("ru"), "en": f.tag.Get("en")},
			Hint:    Text{"ru": f.tag.Get("hint_ru"), "en": f.tag.Get("hint_en")},
			Default: v.FieldByIndex(f.index).Interface(),
		}
		if c := f.tag.Get("choices"); c != "" {
			s.Choices = strings.Split(c, ",")
		}
		all = append(all, s)
	}
	return all
}

func kindOf(t reflect.Type) string {
	switch {
	case t == secretType:
		return "secret"
	case t == reflect.TypeFor[Duration]():
		return "duration"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "bool"
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "list"
	case reflect.Map, reflect.Struct:
		return "map"
	default:
		return "number"
	}
}

type settingField struct {
	key   string
	index []int
	typ   reflect.Type
	tag   reflect.StructTag
}

func structType(settings any) reflect.Type {
	t := reflect.TypeOf(settings)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// fieldsOf lists the fields with a json name, those of embedded structs in place.
func fieldsOf(t reflect.Type) []settingField {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var all []settingField
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append(slices.Clone(f.Index), inner.index...)
				all = append(all, inner)
			}
		case f.IsExported() && name != "" && name != "-":
			all = append(all, settingField{key: name, index: f.Index, typ: f.Type, tag: f.Tag})
		}
	}
	return all
}
