// Package configs says what can be configured: one YAML file, MARSHRUT_… variables over it, secrets written out or taken
// from `env:NAME` and `file:PATH`. It knows nothing of what the settings are for; internal/app reads them. Beside it lie
// the annotated default file and the route maps that every installation starts with.
package configs

import (
	"embed"
	"encoding/json"
	"time"
)

// Default is the annotated YAML file: every setting with its default value and what it is for.
//
//go:embed marshrut.yaml
var Default []byte

// Processes holds the standard route maps, copied into the database on first start.
//
//go:embed processes/*.bpmn
var Processes embed.FS

// OneC are the profiles of 1C configurations: which of their objects hold what of ours.
//
//go:embed onec/*.yaml
var OneC embed.FS

// Config is everything an operator sets. What people change while the system runs (funnels, start rules, roles) lives in
// the database and not here.
type Config struct {
	DataDir     string       `yaml:"data_dir"`
	SecretKey   Secret       `yaml:"secret_key"`
	HTTP        HTTP         `yaml:"http"`
	Database    Database     `yaml:"database"`
	Kafka       Kafka        `yaml:"kafka"`
	Blobs       Blobs        `yaml:"blobs"`
	Company     Company      `yaml:"company"`
	Retention   Retention    `yaml:"retention"`
	Log         Log          `yaml:"log"`
	Tracing     Tracing      `yaml:"tracing"`
	Outgoing    Outgoing     `yaml:"outgoing"`
	Connections []Connection `yaml:"connections"`
}

// HTTP is where the gateway listens and how it is seen from outside.
type HTTP struct {
	Listen         string   `yaml:"listen"`          // host:port; port 0 takes a free one
	PublicURL      string   `yaml:"public_url"`      // what people and vendors type, without a slash at the end
	TrustedProxies []string `yaml:"trusted_proxies"` // addresses or networks whose X-Forwarded-For is believed
}

// Database is PostgreSQL. An empty URL means a private one under data_dir.
type Database struct {
	URL      Secret `yaml:"url"`
	MaxConns int    `yaml:"max_conns"` // per process, shared out among intake, workers and pages
}

// Kafka is the bus. Without brokers the spool in PostgreSQL is the bus.
type Kafka struct {
	Brokers  []string `yaml:"brokers"` // host:port
	Group    string   `yaml:"group"`
	TLS      bool     `yaml:"tls"`
	SASL     string   `yaml:"sasl"` // "", plain, scram-sha-256 or scram-sha-512
	User     string   `yaml:"user"`
	Password Secret   `yaml:"password"`
}

// Blobs is where files and large bodies go: a directory under data_dir, or s3://bucket.
type Blobs struct {
	URL Secret `yaml:"url"`
}

// Company is whose leads these are.
type Company struct {
	Name     string `yaml:"name"`
	Region   string `yaml:"region"`   // ISO 3166 code: how phone numbers without a country code are read
	Timezone string `yaml:"timezone"` // IANA name
	Language string `yaml:"language"` // ru or en
}

// Retention is how long raw copies are kept; leads and their history stay.
type Retention struct {
	RawDays int `yaml:"raw_days"`
}

// Log is what is written to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // json or text
}

// Tracing is where spans go (OTLP over HTTP); empty: nowhere, trace context still travels with the events.
type Tracing struct {
	Endpoint string `yaml:"endpoint"`
}

// Outgoing limits what the gateway may call.
type Outgoing struct {
	Allow         []string `yaml:"allow"`          // private networks that outgoing calls may reach, in CIDR form
	WebhookSecret Secret   `yaml:"webhook_secret"` // signs outgoing web hooks as Standard Webhooks says
}

// Connection is one configured source or target. It is upserted into the database at start and read-only in the interface.
type Connection struct {
	Name      string          `yaml:"name"`
	Connector string          `yaml:"connector"`
	Provider  string          `yaml:"provider"`
	Title     string          `yaml:"title"`
	Source    string          `yaml:"source"`
	Token     Secret          `yaml:"token"`
	RateLimit int             `yaml:"rate_limit"` // inquiries a minute
	Settings  map[string]any  `yaml:"settings"`   // strictly decoded by the provider
	Raw       json.RawMessage `yaml:"-"`          // Settings as JSON, secrets resolved

	place func(key string) string
}

// Place is where a key of the connection is written, "marshrut.yaml:12: connections[0].settings.mapping", for what is said of it.
func (c Connection) Place(key string) string {
	if c.place == nil {
		return c.Name + ": " + key
	}
	return c.place(key)
}

// Location is the company's time zone. Validate has checked that it exists.
func (c Company) Location() *time.Location {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Secret is a text that is never printed.
type Secret string

const hidden = "<secret>"

// String hides the secret from logs and error texts.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal gives the text itself, to the one who needs it.
func (s Secret) Reveal() string { return string(s) }
