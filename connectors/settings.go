package connectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"marshrut/leads"
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

// minSecret is the shortest secret we take, and so the shortest text Redact looks for. A password that the other side has given to its
// user, which is not ours to choose, may be shorter: it is tagged given:"there".
const minSecret = 8

// Duration is a setting like "2s" or "1h30m".
type Duration time.Duration

// MarshalText writes the duration as UnmarshalText reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads Go's notation of durations.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return leads.NotValid("«%s» не время: пишите, например, 2s, 10m или 1h30m", "%q is no duration: write it like 2s, 10m or 1h30m", b)
	}
	*d = Duration(v)
	return nil
}

// Decode gives a connection's settings: the defaults, what is written over them,
// and the secrets. An unknown key or a value of the wrong kind is a Mistake that
// names the key and the cure, and all of them are told; a Validate method of S has
// the last word on those that could be read.
func Decode[S any](c Connection, defaults S) (S, error) {
	var s S
	copied, err := json.Marshal(defaults) // lists and maps of the defaults are not shared
	if err != nil {
		return s, fmt.Errorf("copy default settings of %s/%s: %w", c.Connector, c.Provider, err)
	}
	if err := json.Unmarshal(copied, &s); err != nil {
		return s, fmt.Errorf("copy default settings of %s/%s: %w", c.Connector, c.Provider, err)
	}
	v := reflect.ValueOf(&s).Elem()
	wrong := append(decodeStrict(c.Settings, v), setSecrets(v, c.Secrets)...)
	if checked, ok := any(s).(interface{ Validate() error }); ok {
		wrong = append(wrong, beside(wrong, checked.Validate())...)
	}
	if len(wrong) > 0 {
		return s, fmt.Errorf("settings of connection %s: %w", c.Name, errors.Join(wrong...))
	}
	return s, nil
}

// beside gives what Validate found, but of keys that could not be read: there it looked at the default.
func beside(told []error, err error) []error {
	found := Mistakes(err)
	if err != nil && len(found) == 0 {
		return []error{err}
	}
	known := map[string]bool{}
	for _, m := range Mistakes(errors.Join(told...)) {
		known[m.Key] = true
	}
	var fresh []error
	for _, m := range found {
		if key := settingsGroup + m.Key; !known[key] {
			fresh = append(fresh, &Mistake{key, m.Words})
		}
	}
	return fresh
}

// decodeStrict reads each key by itself, so that one mistake does not hide the others.
func decodeStrict(raw json.RawMessage, into reflect.Value) []error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	keys := map[string]json.RawMessage{}
	if json.Unmarshal(raw, &keys) != nil {
		return []error{Wrong("settings", "нужна группа ключей", "a group of keys is wanted")}
	}
	fields := map[string]settingField{}
	for _, f := range fieldsOf(into.Type()) {
		fields[f.key] = f
	}
	var wrong []error
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		f, ok := fields[key]
		if !ok {
			known := Keys(into.Interface())
			ru, en := guess(key, known)
			wrong = append(wrong, Wrong(settingsGroup+key, "такой настройки нет%[1]s; есть %[3]s", "there is no such setting%[2]s; there are %[3]s", ru, en, strings.Join(known, ", ")))
			continue
		}
		if err := json.Unmarshal(keys[key], into.FieldByIndex(f.index).Addr().Interface()); err != nil {
			wrong = append(wrong, wrongValue(settingsGroup+key, keys[key], f.typ, err))
		}
	}
	return wrong
}

// wrongValue says what stands where, and what is wanted there.
func wrongValue(key string, raw json.RawMessage, wanted reflect.Type, err error) error {
	var words *leads.Invalid
	if errors.As(err, &words) {
		return &Mistake{key, Text{"ru": words.Message, "en": words.MessageEn}}
	}
	want, got, in := kindInWords(wanted), valueInWords(string(raw)), Text{"ru": "", "en": ""}
	var inner *json.UnmarshalTypeError
	if errors.As(err, &inner) && inner.Type != wanted && (wanted.Kind() == reflect.Map || wanted.Kind() == reflect.Slice) && inner.Type.Kind() == wanted.Elem().Kind() {
		want, got, in = kindInWords(inner.Type), valueInWords(jsonStart[strings.Fields(inner.Value + " ")[0]]), Text{"ru": "внутри ", "en": "inside it "}
	}
	return &Mistake{key, Text{"ru": in["ru"] + got["ru"] + " вместо " + want["ru"], "en": in["en"] + got["en"] + " where " + want["en"] + " wanted"}}
}

// jsonStart is how a value begins that encoding/json calls so.
var jsonStart = map[string]string{"string": `"`, "number": "0", "bool": "t", "array": "[", "object": "{"}

// valueInWords says what a JSON value is.
func valueInWords(raw string) Text {
	switch {
	case strings.HasPrefix(raw, "["):
		return Text{"ru": "список", "en": "a list"}
	case strings.HasPrefix(raw, "{"):
		return Text{"ru": "группа ключей", "en": "a group of keys"}
	case strings.HasPrefix(raw, `"`):
		return Text{"ru": "текст", "en": "a text"}
	case strings.HasPrefix(raw, "t"), strings.HasPrefix(raw, "f"):
		return Text{"ru": "да или нет", "en": "true or false"}
	}
	return Text{"ru": "число", "en": "a number"}
}

// kindInWords says what a setting wants, as it stands behind «вместо» and before “wanted”.
func kindInWords(t reflect.Type) Text {
	if t == reflect.TypeFor[Duration]() {
		return Text{"ru": "времени вида 2s, 10m или 1h30m", "en": "a time like 2s, 10m or 1h30m is"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return Text{"ru": "да или нет (true, false)", "en": "true or false is"}
	case reflect.String:
		return Text{"ru": "текста", "en": "a text is"}
	case reflect.Slice, reflect.Array:
		return Text{"ru": "списка", "en": "a list is"}
	case reflect.Map, reflect.Struct:
		return Text{"ru": "пар «имя: значение»", "en": "key: value pairs are"}
	default:
		return Text{"ru": "целого числа", "en": "a whole number is"}
	}
}

// guess names the known key that begins like the unknown one.
func guess(key string, known []string) (ru, en string) {
	for _, k := range known {
		n := min(len(k), len(key), 4)
		if strings.EqualFold(k[:n], key[:n]) && n > 2 {
			return fmt.Sprintf(" (может быть, %s?)", k), fmt.Sprintf(" (was %s meant?)", k)
		}
	}
	return "", ""
}

var secretType = reflect.TypeFor[Secret]()

func setSecrets(v reflect.Value, secrets map[string]string) []error {
	var wrong []error
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
		if n := v.FieldByIndex(f.index).Len(); n > 0 && n < minSecret && f.tag.Get("given") != "there" {
			wrong = append(wrong, Wrong(settingsGroup+f.key, "байт: %d, а секрету нужно не меньше %d", "has %d characters, a secret needs at least %d", n, minSecret))
		}
	}
	return wrong
}

// SplitSecrets takes the secrets out of written settings, so that the two can be
// stored apart. settings is the provider's struct, or a pointer to it.
func SplitSecrets(settings any, raw json.RawMessage) (json.RawMessage, map[string]string, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return json.RawMessage("{}"), map[string]string{}, nil
	}
	keys := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &keys); err != nil {
		return nil, nil, Wrong("settings", "нужна группа ключей", "a group of keys is wanted")
	}
	secrets := map[string]string{}
	for _, f := range fieldsOf(structType(settings)) {
		value, ok := keys[f.key]
		if !ok || f.typ != secretType {
			continue
		}
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return nil, nil, wrongValue(settingsGroup+f.key, value, f.typ, err)
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
	Choices []Choice // of a text; empty: free
	Default any      // as it stands in JSON
}

// Choice is one of the values that a setting can have, and how it is called.
type Choice struct {
	Value string
	Title Text
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
		s.Choices = choicesOf(f.tag)
		all = append(all, s)
	}
	return all
}

// choicesOf reads `choices:"a,b" choices_ru:"первое,второе" choices_en:"first,second"`; a value without a title is its own.
func choicesOf(tag reflect.StructTag) []Choice {
	if tag.Get("choices") == "" {
		return nil
	}
	var all []Choice
	for _, value := range strings.Split(tag.Get("choices"), ",") {
		all = append(all, Choice{Value: value, Title: Text{}})
	}
	for _, language := range []string{"ru", "en"} {
		titles := strings.Split(tag.Get("choices_"+language), ",")
		for i := range all {
			all[i].Title[language] = all[i].Value
			if i < len(titles) && titles[i] != "" {
				all[i].Title[language] = titles[i]
			}
		}
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
