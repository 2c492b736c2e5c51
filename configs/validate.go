package configs

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/nyaruka/phonenumbers"
)

var connectionName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// minToken is 22 characters: 128 bits written in base64.
const minToken = 22

// validate gives every mistake at once, each with its place and its cure.
func (c Config) validate(at places) []error {
	var problems []error
	wrong := func(key, format string, args ...any) {
		problems = append(problems, at.errorf(key, format, args...))
	}
	if c.DataDir == "" {
		wrong("data_dir", "is empty: name a folder, for example ./data")
	}
	if len(c.SecretKey) < 32 {
		wrong("secret_key", "is shorter than 32 characters: leave it at file:./data/secret, and one is made")
	}
	c.HTTP.validate(wrong)
	c.Database.validate(wrong)
	c.Blobs.validate(wrong)
	c.Kafka.validate(wrong)
	c.Company.validate(wrong)
	if c.Retention.RawDays < 1 {
		wrong("retention.raw_days", "is %d: at least one day is needed to replay what went wrong", c.Retention.RawDays)
	}
	oneOf(wrong, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(wrong, "log.format", c.Log.Format, "json", "text")
	for i, network := range c.Outgoing.Allow {
		if _, err := netip.ParsePrefix(network); err != nil {
			wrong(fmt.Sprintf("outgoing.allow[%d]", i), "%q is not a network, for example 192.168.10.0/24", network)
		}
	}
	validateConnections(c.Connections, wrong)
	return problems
}

func (h HTTP) validate(wrong func(key, format string, args ...any)) {
	if _, _, err := net.SplitHostPort(h.Listen); err != nil {
		wrong("http.listen", "%q is not host:port, for example 127.0.0.1:8080", h.Listen)
	}
	if u, err := url.Parse(h.PublicURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		wrong("http.public_url", "%q is not an address, for example https://crm.example.org", h.PublicURL)
	}
	for i, proxy := range h.TrustedProxies {
		_, addrErr := netip.ParseAddr(proxy)
		_, netErr := netip.ParsePrefix(proxy)
		if addrErr != nil && netErr != nil {
			wrong(fmt.Sprintf("http.trusted_proxies[%d]", i), "%q is neither an address nor a network, for example 10.0.0.0/8", proxy)
		}
	}
}

// validate never repeats the address: there may be a password in it.
func (d Database) validate(wrong func(key, format string, args ...any)) {
	if d.MaxConns < 8 {
		wrong("database.max_conns", "is %d: at least 8 are needed for intake, workers and pages", d.MaxConns)
	}
	address := d.URL.Reveal()
	if address == "" {
		return
	}
	scheme, _, isURL := strings.Cut(address, "://")
	if _, err := pgconn.ParseConfig(address); err != nil || isURL && scheme != "postgres" && scheme != "postgresql" {
		wrong("database.url", "is no address of PostgreSQL, for example postgres://user:password@host:5432/marshrut; empty, a database under data_dir is used")
	}
}

func (b Blobs) validate(wrong func(key, format string, args ...any)) {
	if b.URL == "" {
		return
	}
	if u, err := url.Parse(b.URL.Reveal()); err != nil || u.Scheme != "s3" || u.Host == "" {
		wrong("blobs.url", "is no address of a bucket, for example s3://bucket?endpoint=https://storage.example.org; empty, a folder under data_dir is used")
	}
}

func (k Kafka) validate(wrong func(key, format string, args ...any)) {
	for i, broker := range k.Brokers {
		if _, _, err := net.SplitHostPort(broker); err != nil {
			wrong(fmt.Sprintf("kafka.brokers[%d]", i), "%q is not host:port, for example kafka:9092", broker)
		}
	}
	if len(k.Brokers) > 0 && k.Group == "" {
		wrong("kafka.group", "is empty: name the consumer group, for example marshrut")
	}
	oneOf(wrong, "kafka.sasl", k.SASL, "", "plain", "scram-sha-256", "scram-sha-512")
}

func (c Company) validate(wrong func(key, format string, args ...any)) {
	if strings.TrimSpace(c.Name) == "" {
		wrong("company.name", "is empty: it stands on every page and report")
	}
	if !phonenumbers.GetSupportedRegions()[c.Region] {
		wrong("company.region", "%q is not the code of a country (ISO 3166, two capital letters), for example RU", c.Region)
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil || c.Timezone == "" {
		wrong("company.timezone", "%q is no known time zone, for example Europe/Moscow", c.Timezone)
	}
	oneOf(wrong, "company.language", c.Language, "ru", "en")
}

func validateConnections(connections []Connection, wrong func(key, format string, args ...any)) {
	seen := map[string]bool{}
	for i, connection := range connections {
		key := fmt.Sprintf("connections[%d]", i)
		switch {
		case !connectionName.MatchString(connection.Name):
			wrong(key+".name", "%q: use small Latin letters, digits, - and _, it is part of an address", connection.Name)
		case seen[connection.Name]:
			wrong(key+".name", "%q is there twice", connection.Name)
		}
		seen[connection.Name] = true
		if connection.Connector == "" || connection.Provider == "" {
			wrong(key, "needs connector and provider, for example webform and generic")
		}
		if token := connection.Token.Reveal(); token != "" && len(token) < minToken {
			wrong(key+".token", "has %d characters, at least %d are needed so that it cannot be guessed: openssl rand -hex 16", len(token), minToken)
		}
	}
}

func oneOf(wrong func(key, format string, args ...any), key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		wrong(key, "%q is not one of %q", value, allowed)
	}
}
