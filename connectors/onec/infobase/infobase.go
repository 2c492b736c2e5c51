// Package infobase is a 1C infobase reached over its standard OData interface. What it
// does is in package onec; here are the configurations it knows and how to connect one.
package infobase

import (
	_ "embed"

	"marshrut/configs"
	"marshrut/connectors"
	"marshrut/connectors/onec"
	"marshrut/leads"
)

//go:embed setup.md
var setupRU string

//go:embed setup.en.md
var setupEN string

// Provider describes the infobase to the catalog.
func Provider() connectors.Provider {
	return connectors.Provider{
		Connector: onec.Connector, Name: "infobase", Channel: leads.ChannelOneC,
		Title:    connectors.Text{"ru": "База 1С", "en": "1C infobase"},
		Setup:    connectors.Text{"ru": setupRU, "en": setupEN},
		Settings: &onec.Defaults,
		New:      open,
	}
}

func open(c connectors.Connection) (connectors.Instance, error) {
	s, err := connectors.Decode(c, onec.Defaults)
	if err != nil {
		return nil, err
	}
	p, err := Profile(s.Profile)
	if err != nil {
		return nil, err
	}
	return onec.New(c, s, p)
}

// Profile gives a shipped profile by name.
func Profile(name string) (onec.Profile, error) {
	text, err := configs.OneC.ReadFile("onec/" + name + ".yaml")
	if err != nil {
		return onec.Profile{}, connectors.Wrong("settings.profile", "конфигурации «%s» в этой версии нет", "there is no configuration %q in this version", name)
	}
	return onec.ReadProfile(text)
}
