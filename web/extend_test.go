package web

import (
	"bytes"
	"context"
	"io"

	"marshrut/connectors/catalog"
	"marshrut/connectors/registry"
	"marshrut/internal/blobs"
	"marshrut/pipeline/intake"
	"marshrut/pipeline/spool"
)

// extend adds the rooms of the way in.
func (s *stack) extend(d *Deps) {
	s.t.Helper()
	d.Providers = catalog.All()
	var err error
	d.Files, err = blobs.Dir(s.t.TempDir())
	s.must(err)
	d.Connections, err = registry.New(s.pool, d.Providers, registry.Options{Key: "a secret key of the installation", Region: "RU", Language: "ru",
		PublicURL: "http://localhost:8080", Zone: moscow, Now: s.now, Log: d.Log})
	s.must(err)
	s.must(d.Connections.UpsertFile(s.t.Context(), s.now(), []registry.Configured{{Name: "site", Connector: "webform", Provider: "generic", Title: "Сайт", Source: "site", Token: "a token of the site, long enough"}}))
	s.must(d.Connections.Refresh(s.t.Context()))
	_, err = s.pool.Exec(s.t.Context(), `insert into gateway_process values ('all', 'test', '{edge,worker,web}', $1, $2)`, s.now(), s.now().AddDate(1, 0, 0))
	s.must(err)
	waiting := spool.New(s.pool, "inquiries", spool.Options{})
	s.t.Cleanup(waiting.Close)
	d.Spool = waiting
	d.Intake = intake.New(intake.Options{Pool: s.pool, Connections: d.Connections, Repository: d.Leads, Casework: d.Casework, Now: s.now, Log: d.Log,
		Fetch: func(context.Context, string) (io.ReadCloser, error) { return io.NopCloser(&bytes.Buffer{}), nil }})
}
