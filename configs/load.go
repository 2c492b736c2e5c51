package configs

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Load reads the file at path over the defaults, and the variables in environ (as os.Environ gives them) over both.
// The error joins every mistake, each with file, line, key and cure. An empty path means the defaults alone.
func Load(path string, environ []string) (Config, error) {
	var c Config
	if err := yaml.Unmarshal(Default, &c); err != nil {
		return c, fmt.Errorf("read the built-in defaults: %w", err)
	}
	var file *ast.File
	if path != "" {
		body, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("read the settings: %w", err)
		}
		if file, err = parser.ParseBytes(body, 0); err != nil {
			return c, fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, true))
		}
	}
	at := places{path: path, file: file}
	var problems []error
	if file != nil {
		problems = decode(file, &c, at)
	}
	problems = append(problems, overrideFromEnvironment(&c, environ)...)
	problems = append(problems, resolveSecrets(&c, environ, at)...)
	problems = append(problems, c.validate(at)...)
	return c, errors.Join(problems...)
}

// places finds the line of a key such as "http.listen" or "connections[0].token" in the file.
type places struct {
	path string
	file *ast.File
}

// line is where a key is written, 0 if it is not.
func (p places) line(key string) int {
	if group, name, ok := cutLast(key); ok {
		if pairs, ok := (&decoding{}).pairs(p.node(group)); ok {
			for _, pair := range pairs {
				if pair.Key.GetToken().Value == name {
					return pair.Key.GetToken().Position.Line
				}
			}
		}
	}
	if node := p.node(key); node != nil && node.GetToken() != nil {
		return node.GetToken().Position.Line
	}
	return 0
}

// node is what is written under a key, nil if nothing is.
func (p places) node(key string) ast.Node {
	if p.file == nil {
		return nil
	}
	path, err := yaml.PathString("$." + key)
	if err != nil {
		return nil
	}
	node, err := path.FilterFile(p.file)
	if err != nil {
		return nil
	}
	return node
}

func cutLast(key string) (group, name string, ok bool) {
	i := strings.LastIndexByte(key, '.')
	if i < 0 {
		return "", "", false
	}
	return key[:i], key[i+1:], true
}

// nearest is a key with the line of it, or of the group it would stand in.
func (p places) nearest(key string) string {
	line, group := p.line(key), key
	for ok := true; line == 0 && ok; {
		if group, _, ok = cutLast(group); ok {
			line = p.line(group)
		}
	}
	return p.name(key, line)
}

// errorf names file, line and key before what is wrong and how to cure it.
func (p places) errorf(key, format string, args ...any) error {
	return fmt.Errorf("%s: %s", p.name(key, p.line(key)), fmt.Sprintf(format, args...))
}

// errorAt is an error about a node of the file, which may be no setting at all.
func (p places) errorAt(node ast.Node, key, format string, args ...any) error {
	line := 0
	if token := node.GetToken(); token != nil {
		line = token.Position.Line
	}
	return fmt.Errorf("%s: %s", p.name(key, line), fmt.Sprintf(format, args...))
}

// name is a key with its place, "marshrut.yaml:4: http.listen".
func (p places) name(key string, line int) string {
	where := p.path
	if line > 0 {
		where += ":" + strconv.Itoa(line)
	}
	switch {
	case where == "":
		return key
	case key == "":
		return where
	}
	return where + ": " + key
}

// overrideFromEnvironment applies MARSHRUT_HTTP_LISTEN and the like. A variable that names no setting is a mistake too,
// except the few that the programs and tests around the gateway read themselves.
func overrideFromEnvironment(c *Config, environ []string) []error {
	known := map[string]reflect.Value{}
	collect(known, "MARSHRUT", reflect.ValueOf(c).Elem())
	var problems []error
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "MARSHRUT_") || foreign[name] {
			continue
		}
		field, ok := known[name]
		if !ok {
			problems = append(problems, fmt.Errorf("environment variable %s names no setting: see configs/marshrut.yaml for those there are", name))
			continue
		}
		if err := set(field, value); err != nil {
			problems = append(problems, fmt.Errorf("environment variable %s: %w", name, err))
		}
	}
	return problems
}

// foreign are read by tests and the Makefile, not by the gateway.
var foreign = map[string]bool{
	"MARSHRUT_TEST_POSTGRES": true, "MARSHRUT_TEST_KAFKA": true, "MARSHRUT_REQUIRE_KAFKA": true, "MARSHRUT_REQUIRE_DOVECOT": true, "MARSHRUT_CORPUS": true,
}

func collect(known map[string]reflect.Value, prefix string, v reflect.Value) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("yaml")
		if tag == "" || tag == "-" || tag == "connections" {
			continue
		}
		name := prefix + "_" + strings.ToUpper(tag)
		if v.Field(i).Kind() == reflect.Struct {
			collect(known, name, v.Field(i))
			continue
		}
		known[name] = v.Field(i)
	}
}

func set(field reflect.Value, value string) error {
	switch field.Kind() {
	case reflect.String:
		field.SetString(value)
	case reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
		field.SetInt(int64(n))
	case reflect.Bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", value)
		}
		field.SetBool(b)
	case reflect.Slice:
		var items []string
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
		field.Set(reflect.ValueOf(items))
	default:
		return fmt.Errorf("cannot be set from the environment")
	}
	return nil
}

var secretPath = regexp.MustCompile(`^file:(.+)$`)

// resolveSecrets follows env: and file: references. The secret key alone is made when its file is missing.
func resolveSecrets(c *Config, environ []string, at places) []error {
	env := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	var problems []error
	resolve := func(key string, s *Secret) {
		text, err := resolve(string(*s), env)
		if err != nil {
			problems = append(problems, at.errorf(key, "%s", err))
		}
		*s = Secret(text)
	}
	if m := secretPath.FindStringSubmatch(string(c.SecretKey)); m != nil {
		if err := makeSecret(m[1], c.DataDir); err != nil {
			return []error{at.errorf("secret_key", "%s", err)}
		}
	}
	resolve("secret_key", &c.SecretKey)
	resolve("database.url", &c.Database.URL)
	resolve("kafka.password", &c.Kafka.Password)
	resolve("blobs.url", &c.Blobs.URL)
	resolve("outgoing.webhook_secret", &c.Outgoing.WebhookSecret)
	for i := range c.Connections {
		connection := &c.Connections[i]
		key := fmt.Sprintf("connections[%d]", i)
		connection.place = func(inner string) string { return at.nearest(key + "." + inner) }
		resolve(key+".token", &connection.Token)
		var missing []error
		connection.Raw, missing = resolveSettings(connection.Settings, env, func(inner string, err error) error {
			return at.errorf(key+".settings."+inner, "%s", err)
		})
		problems = append(problems, missing...)
	}
	return problems
}

func resolve(text string, env map[string]string) (string, error) {
	switch {
	case strings.HasPrefix(text, "env:"):
		name := strings.TrimPrefix(text, "env:")
		value, ok := env[name]
		if !ok {
			return "", fmt.Errorf("the environment has no variable %s: set it, or write the value itself", name)
		}
		return value, nil
	case strings.HasPrefix(text, "file:"):
		body, err := os.ReadFile(strings.TrimPrefix(text, "file:"))
		if err != nil {
			return "", fmt.Errorf("the file with the value cannot be read: %w", err)
		}
		return strings.TrimRight(string(body), "\r\n"), nil
	}
	return text, nil
}

// resolveSettings gives a connection's settings as JSON, with references in its texts followed.
func resolveSettings(settings map[string]any, env map[string]string, wrong func(key string, err error) error) (json.RawMessage, []error) {
	if settings == nil {
		return json.RawMessage(`{}`), nil
	}
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		text, ok := settings[key].(string)
		if !ok {
			continue
		}
		resolved, err := resolve(text, env)
		if err != nil {
			problems = append(problems, wrong(key, err))
			delete(settings, key) // so that it is told once
			continue
		}
		settings[key] = resolved
	}
	raw, err := json.Marshal(settings)
	if err != nil {
		problems = append(problems, wrong("", err))
	}
	return raw, problems
}

// makeSecret writes a fresh key of 256 bits to path, unless a file is there. A folder is made for it only where the data are
// or the program runs: a whole path that leads nowhere is a mistyped one, or a secret that was not mounted.
func makeSecret(path, dataDir string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); err != nil && filepath.IsAbs(path) && !within(folder, dataDir) {
		return fmt.Errorf("there is no folder %s: make it, or leave this setting at file:./data/secret, and a key is made there", folder)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of the secret key: %w", err)
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails: crypto/rand.Read
	// Written beside and then named: a process that starts at the same time, or after a crash, never sees half of it.
	file, err := os.CreateTemp(filepath.Dir(path), ".secret-*")
	if err != nil {
		return fmt.Errorf("make the secret key: %w", err)
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("make the secret key: %w", err)
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, os.ErrExist) { // there: another process was faster
		return fmt.Errorf("make the secret key: %w", err)
	}
	return nil
}

// within reports a folder that is the other one or lies in it.
func within(folder, other string) bool {
	other, err := filepath.Abs(other)
	if err != nil {
		return false
	}
	way, err := filepath.Rel(other, folder)
	return err == nil && filepath.IsLocal(way)
}
