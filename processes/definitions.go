package processes

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/processes/bpmn"
)

var (
	//go:embed sql/publish.sql
	publishSQL string
	//go:embed sql/definitions.sql
	definitionsSQL string
	//go:embed sql/definition.sql
	definitionSQL string
)

// Definition is one published version of a route map. It never changes.
type Definition struct {
	ID          int64
	Key         string // the id of the BPMN process
	Version     int
	Name        string
	PublishedAt time.Time
	PublishedBy int64 // 0: shipped
	// Running counts the instances of this version that have not ended. Only
	// Definitions fills it.
	Running int
	// XML is the file as published, Model what was read from it. Definitions
	// leaves both empty.
	XML   []byte
	Model *bpmn.Model
}

// Process is the graph of the definition.
func (d Definition) Process() *bpmn.Process { return d.Model.Process(d.Key) }

// definitionCache keeps definitions by id for ever, they are immutable, and
// which is the latest of a key for as long as its caller says.
type definitionCache struct {
	mu   sync.RWMutex
	byID map[int64]*Definition
}

func (c *definitionCache) get(id int64) (*Definition, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	d, ok := c.byID[id]
	return d, ok
}

func (c *definitionCache) put(d *Definition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil {
		c.byID = map[int64]*Definition{}
	}
	c.byID[d.ID] = d
}

// Check reads a route map and says what is wrong with it, without keeping it.
func (s *Service) Check(ctx context.Context, xml []byte) (*bpmn.Model, []bpmn.Problem, error) {
	env, err := s.environment(ctx, s.pool)
	if err != nil {
		return nil, nil, err
	}
	if env.Begins, err = s.begins(ctx, env.Processes); err != nil {
		return nil, nil, err
	}
	return check(xml, env)
}

// begins is what each route map starts before it waits for anything, so that a circle of maps is seen before it runs.
func (s *Service) begins(ctx context.Context, keys []string) (map[string][]string, error) {
	begins := map[string][]string{}
	for _, key := range keys {
		d, err := s.Definition(ctx, key, 0)
		switch {
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrInvalid): // an old map that is wrong now starts nothing
		case err != nil:
			return nil, err
		default:
			begins[key] = d.Process().StartsAtOnce()
		}
	}
	return begins, nil
}

func check(xml []byte, env bpmn.Environment) (*bpmn.Model, []bpmn.Problem, error) {
	model, err := bpmn.Parse(bytes.NewReader(xml))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	main := model.Main()
	if main == nil {
		return nil, nil, fmt.Errorf("%w: в файле нет процесса", ErrInvalid)
	}
	env.Processes = append(env.Processes, main.ID) // a map may call itself
	return model, bpmn.Check(model, env), nil
}

// Publish makes the route map the next version of its key, which new instances
// run from now on; running ones stay on theirs. What forbids it comes back as
// problems with ErrInvalid; warnings come back beside the definition. Publishing
// the latest version once more changes nothing.
func (s *Service) Publish(ctx context.Context, actor staff.Actor, xml []byte) (Definition, []bpmn.Problem, error) {
	if !actor.Can(staff.PublishProcesses) {
		return Definition{}, nil, fmt.Errorf("publish a route map: %w", staff.ErrNotAllowed)
	}
	model, problems, err := s.Check(ctx, xml)
	if err != nil {
		return Definition{}, nil, err
	}
	if len(bpmn.Errors(problems)) > 0 {
		return Definition{}, problems, ErrInvalid
	}
	var published Definition
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		published, err = s.publish(ctx, tx, actor, xml, model)
		return err
	})
	return published, problems, err
}

func (s *Service) publish(ctx context.Context, tx pgx.Tx, actor staff.Actor, xml []byte, model *bpmn.Model) (Definition, error) {
	main := model.Main()
	hash := sha256.Sum256(xml)
	d := Definition{Key: main.ID, Name: main.Name, PublishedBy: actor.ID, XML: xml, Model: model}
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('process_definition:' || $1, 0))", d.Key); err != nil {
		return d, fmt.Errorf("publish %s: %w", d.Key, err)
	}
	now := s.now()
	var fresh bool
	err := tx.QueryRow(ctx, publishSQL, pgx.NamedArgs{"key": d.Key, "name": d.Name, "xml": xml, "hash": hash[:], "now": now, "by": actor.Ref()}).
		Scan(&d.ID, &d.Version, &d.PublishedAt, &d.PublishedBy, &d.Running, &fresh)
	if err != nil {
		return d, fmt.Errorf("publish %s: %w", d.Key, err)
	}
	if !fresh {
		return d, nil
	}
	return d, journal(ctx, tx, now, actor, 0, "process:"+d.Key, "process.published", map[string]any{"version": d.Version, "name": d.Name})
}

// SeedDefinitions publishes the shipped route maps whose keys the database does
// not know yet. A map the company has adapted is left alone.
func (s *Service) SeedDefinitions(ctx context.Context, files fs.FS) error {
	names, err := fs.Glob(files, "*.bpmn")
	if err != nil {
		return fmt.Errorf("list the shipped route maps: %w", err)
	}
	shipped := make(map[string][]byte, len(names))
	var keys []string
	for _, name := range names {
		xml, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read the shipped route map %s: %w", name, err)
		}
		model, err := bpmn.Parse(bytes.NewReader(xml))
		if err != nil || model.Main() == nil {
			return fmt.Errorf("read the shipped route map %s: %w", path.Base(name), errors.Join(err, ErrInvalid))
		}
		key := model.Main().ID
		keys = append(keys, key)
		shipped[key] = xml
	}
	env, err := s.environment(ctx, s.pool)
	if err != nil {
		return err
	}
	env.Processes = append(env.Processes, keys...) // they may call each other
	for _, key := range keys {
		if err := s.seed(ctx, key, shipped[key], env); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) seed(ctx context.Context, key string, xml []byte, env bpmn.Environment) error {
	_, err := s.Definition(ctx, key, 0)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return err
	}
	model, problems, err := check(xml, env)
	if err != nil {
		return fmt.Errorf("check the shipped route map %s: %w", key, err)
	}
	if wrong := bpmn.Errors(problems); len(wrong) > 0 {
		return fmt.Errorf("check the shipped route map %s: %s: %w", key, wrong[0].Message, ErrInvalid)
	}
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := s.publish(ctx, tx, staff.System(), xml, model)
		return err
	})
}

// Definitions lists the latest version of each route map, or with a key all
// versions of it, newest first. They come without XML and Model.
func (s *Service) Definitions(ctx context.Context, key string) ([]Definition, error) {
	rows, err := s.pool.Query(ctx, definitionsSQL, pgx.NamedArgs{"key": key})
	if err != nil {
		return nil, fmt.Errorf("list route maps: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Definition, err error) {
		err = row.Scan(&d.ID, &d.Key, &d.Version, &d.Name, &d.PublishedAt, &d.PublishedBy, &d.Running)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("list route maps: %w", err)
	}
	return list, nil
}

// Definition returns a version of a route map, the latest if version is 0, or ErrNotFound.
func (s *Service) Definition(ctx context.Context, key string, version int) (Definition, error) {
	var id int64
	err := s.pool.QueryRow(ctx, `select id from process_definition
		where key = $1 and ($2 = 0 or version = $2) order by version desc limit 1`, key, version).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Definition{}, fmt.Errorf("route map %q version %d: %w", key, version, ErrNotFound)
	}
	if err != nil {
		return Definition{}, fmt.Errorf("look for route map %q: %w", key, err)
	}
	d, err := s.definition(ctx, s.pool, id)
	if err != nil {
		return Definition{}, err
	}
	return *d, nil
}

// definition gives the compiled definition with an id.
func (s *Service) definition(ctx context.Context, db postgres.DB, id int64) (*Definition, error) {
	if d, ok := s.maps.get(id); ok {
		return d, nil
	}
	d := &Definition{ID: id}
	err := db.QueryRow(ctx, definitionSQL, pgx.NamedArgs{"id": id}).
		Scan(&d.Key, &d.Version, &d.Name, &d.PublishedAt, &d.PublishedBy, &d.XML)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("route map %d: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read route map %d: %w", id, err)
	}
	env, err := s.environment(ctx, db)
	if err != nil {
		return nil, err
	}
	// What has changed around the map since it was published, a stage or a role
	// that is gone, shows when a step needs it; it does not stop the map as a whole.
	if d.Model, _, err = check(d.XML, env); err != nil {
		return nil, fmt.Errorf("read route map %s version %d: %w", d.Key, d.Version, err)
	}
	if p := d.Process(); p == nil || !p.Compiled() {
		return nil, fmt.Errorf("compile route map %s version %d: %w", d.Key, d.Version, ErrInvalid)
	}
	s.maps.put(d)
	return d, nil
}

// environment is what maps may name now: what the company says, and the route
// maps there are.
func (s *Service) environment(ctx context.Context, db postgres.DB) (bpmn.Environment, error) {
	env, err := s.describe(ctx, db)
	if err != nil {
		return env, fmt.Errorf("find out what route maps may name: %w", err)
	}
	rows, err := db.Query(ctx, "select distinct key from process_definition order by key")
	if err != nil {
		return env, fmt.Errorf("list keys of route maps: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return env, fmt.Errorf("list keys of route maps: %w", err)
	}
	env.Processes = append(env.Processes, keys...)
	return env, nil
}
