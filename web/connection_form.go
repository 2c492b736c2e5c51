package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"marshrut/connectors"
	"marshrut/connectors/registry"
	"marshrut/internal/staff"
	"marshrut/leads"
)

// typedConnection is the form as it was filled in, and why it was refused.
type typedConnection struct {
	Rate     string
	Settings map[string]string
	Problems []error
}

// settingLine is one setting of the provider as a field of the form.
type settingLine struct {
	connectors.Setting
	Title, Hint string
	Value       string
	Options     []option // what it can be set to; none: anything
	Set         bool     // a secret that has a value
}

func settingLines(provider connectors.Provider, v registry.View, typed map[string]string, language string) ([]settingLine, error) {
	now := map[string]json.RawMessage{}
	if len(v.Settings) > 0 {
		if err := json.Unmarshal(v.Settings, &now); err != nil {
			return nil, fmt.Errorf("read the settings of %s: %w", v.Name, err)
		}
	}
	var lines []settingLine
	for _, setting := range connectors.SettingsOf(provider) {
		line := settingLine{Setting: setting, Title: setting.Title.In(language), Hint: setting.Hint.In(language), Set: slices.Contains(v.SecretsSet, setting.Key)}
		raw, ok := now[setting.Key]
		if !ok && setting.Default != nil {
			text, err := json.Marshal(setting.Default)
			if err != nil {
				return nil, fmt.Errorf("default of %s: %w", setting.Key, err)
			}
			raw = text
		}
		line.Value = settingText(setting.Kind, raw)
		if text, ok := typed[setting.Key]; ok {
			line.Value = text
		}
		for _, choice := range setting.Choices {
			line.Options = append(line.Options, option{Value: choice.Value, Label: choice.Title.In(language), Chosen: choice.Value == line.Value})
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// settingText writes a setting as people edit it: lists a line each, maps as "name: value" lines.
func settingText(kind string, raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	switch kind {
	case "list":
		var list []string
		if json.Unmarshal(raw, &list) == nil {
			return strings.Join(list, "\n")
		}
	case "map":
		var pairs map[string]string
		if json.Unmarshal(raw, &pairs) == nil {
			return pairsText(pairs)
		}
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// settingValue is the inverse of settingText; nil leaves the setting out.
func settingValue(kind, text string) (any, error) {
	if kind == "map" {
		return pairsOf(text)
	}
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch kind {
	case "bool":
		return text != "", nil
	case "list":
		list := []string{}
		for line := range strings.SplitSeq(text, "\n") {
			if line = strings.TrimSpace(line); line != "" {
				list = append(list, line)
			}
		}
		return list, nil
	}
	if text == "" {
		return nil, nil
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && kind == "number" {
		return n, nil
	}
	return text, nil
}

// saveConnection writes the form of a connection, new or not. What is wrong with it is told all at once, beside what was typed.
func (s *Server) saveConnection(c *gin.Context, actor staff.Actor) error {
	if err := c.Request.ParseForm(); err != nil {
		return errBadRequest
	}
	v, fresh, err := s.formConnection(c)
	if err != nil {
		return err
	}
	provider, ok := s.provider(v.Connector, v.Provider)
	if !ok {
		return connectors.ErrUnknown
	}
	settings, typed := typedSettings(c, provider)
	limit, err := registry.RateLimit(typed.Rate)
	if err != nil {
		typed.Problems = append(typed.Problems, err)
	}
	v.Title, v.Source = strings.TrimSpace(c.PostForm("title")), c.PostForm("source")
	if len(typed.Problems) == 0 {
		write := s.Connections.Save
		if fresh {
			write = s.Connections.Create
		}
		err = write(c.Request.Context(), s.Now(), registry.Configured{Name: v.Name, Connector: v.Connector, Provider: v.Provider, Title: v.Title,
			Source: v.Source, RateLimit: limit, Settings: settings})
		if err != nil && !refusesConnection(err) {
			return err
		}
		if err == nil {
			s.flash(c, "done.connection")
			c.Redirect(http.StatusSeeOther, "/connections/at/"+v.Name)
			return nil
		}
		typed.Problems = []error{err}
	}
	return s.renderConnection(c, actor, http.StatusUnprocessableEntity, v, fresh, &typed)
}

// typedSettings reads the provider's settings from the form.
func typedSettings(c *gin.Context, provider connectors.Provider) (json.RawMessage, typedConnection) {
	settings, typed := map[string]any{}, typedConnection{Rate: c.PostForm("rate_limit"), Settings: map[string]string{}}
	for _, setting := range connectors.SettingsOf(provider) {
		text := c.PostForm("s." + setting.Key)
		switch setting.Kind {
		case "secret":
		case "bool":
			typed.Settings[setting.Key] = strconv.FormatBool(text != "")
		default:
			typed.Settings[setting.Key] = text
		}
		value, err := settingValue(setting.Kind, text)
		var words *leads.Invalid
		if errors.As(err, &words) {
			typed.Problems = append(typed.Problems, &connectors.Mistake{Key: "settings." + setting.Key, Words: connectors.Text{"ru": words.Message, "en": words.MessageEn}})
		}
		if err == nil && value != nil {
			settings[setting.Key] = value
		}
	}
	raw, err := json.Marshal(settings)
	if err != nil {
		typed.Problems = append(typed.Problems, err)
	}
	return raw, typed
}

// refusesConnection tells what the person can cure on the form from what went wrong on our side.
func refusesConnection(err error) bool {
	return len(connectors.Mistakes(err)) > 0 || errors.Is(err, registry.ErrTaken) || errors.Is(err, registry.ErrReadOnly)
}

// settingProblems says what is wrong under the names the form gives the settings.
func (p page) settingProblems(provider connectors.Provider, problems []error) []string {
	titles := map[string]string{"name": p.T("connections.name"), "rate_limit": p.T("connections.rate"), "settings": p.T("connections.settings")}
	for _, setting := range connectors.SettingsOf(provider) {
		titles["settings."+setting.Key] = setting.Title.In(p.Lang)
	}
	var lines []string
	for _, problem := range problems {
		mistakes := connectors.Mistakes(problem)
		for _, m := range mistakes {
			lines = append(lines, cmp.Or(titles[m.Key], m.Key)+": "+m.Words.In(p.Lang))
		}
		if len(mistakes) == 0 {
			lines = append(lines, p.errorText(problem, statusOf(problem)))
		}
	}
	return lines
}

// formConnection is the connection that the form is about.
func (s *Server) formConnection(c *gin.Context) (registry.View, bool, error) {
	if name := c.Param("name"); name != "" {
		v, err := s.Connections.View(c.Request.Context(), name, s.Now())
		return v, false, err
	}
	connector, provider, _ := strings.Cut(c.PostForm("provider"), "/")
	return registry.View{Name: strings.TrimSpace(c.PostForm("name")), Connector: connector, Provider: provider, Enabled: true}, true, nil
}
