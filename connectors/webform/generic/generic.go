// Package generic is a form without a vendor: a site's own HTML, a script that
// posts JSON, our call-back widget. All it does is in package webform.
package generic

import (
	_ "embed"
	"errors"
	"regexp"

	"marshrut/connectors"
	"marshrut/connectors/webform"
	"marshrut/leads"
)

//go:embed setup.md
var setupRU string

//go:embed setup.en.md
var setupEN string

// Settings are those of every form and the look of the widget.
type Settings struct {
	webform.Settings
	webform.WidgetSettings
}

var colorShape = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)

// Validate says in words which key is wrong.
func (s Settings) Validate() error {
	var color error
	if s.WidgetColor != "" && !colorShape.MatchString(s.WidgetColor) {
		color = connectors.Wrong("widget_color", "«%s» не цвет; пишите как #1f6feb", "%q is no colour; write it like #1f6feb", s.WidgetColor)
	}
	return errors.Join(color, s.Settings.Validate())
}

var defaults = Settings{
	Settings:       webform.Settings{Honeypot: "mr_check"},
	WidgetSettings: webform.WidgetSettings{Widget: true, WidgetColor: "#1f6feb"},
}

// Provider describes the form to the catalog.
func Provider() connectors.Provider {
	return connectors.Provider{
		Connector: webform.Connector, Name: "generic", Channel: leads.ChannelForm,
		Title:    connectors.Text{"ru": "Форма на сайте", "en": "Web form"},
		Setup:    connectors.Text{"ru": setupRU, "en": setupEN},
		Settings: &defaults,
		New:      open,
	}
}

func open(c connectors.Connection) (connectors.Instance, error) {
	s, err := connectors.Decode(c, defaults)
	if err != nil {
		return nil, err
	}
	form, err := webform.New(c, s.Settings, webform.Plain{})
	if err != nil {
		return nil, err
	}
	return &instance{Instance: form, widget: s.WidgetSettings}, nil
}

type instance struct {
	*webform.Instance
	widget webform.WidgetSettings
}

// Script gives the call-back widget, unless the settings switch it off.
func (i *instance) Script(address string) ([]byte, bool) {
	if !i.widget.Widget {
		return nil, false
	}
	script, err := i.Instance.Script(i.widget, address)
	return script, err == nil
}
