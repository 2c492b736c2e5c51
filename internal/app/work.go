package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"marshrut/configs"
	"marshrut/connectors"
	"marshrut/connectors/registry"
	"marshrut/internal/postgres"
	"marshrut/internal/safedial"
	"marshrut/pipeline/delivery"
	"marshrut/pipeline/edge"
	"marshrut/pipeline/exchange"
	"marshrut/pipeline/intake"
)

// startWork starts what the roles of this process ask for. Stop ends it before anything it uses is closed.
func (a *App) startWork(context.Context) error {
	a.work.start("connections", a.Connections.Run)
	a.registry.MustRegister(registry.Collector{Registry: a.Connections}, delivery.Backlog{Pool: a.database.work, Now: a.now}) // of every role: they tell of workers that are away
	if a.database.private != nil {
		a.work.start("private PostgreSQL", a.database.private.Keep)
	}
	intakeMetrics := intake.NewMetrics(a.registry)
	a.Intake = intake.New(intake.Options{Pool: a.database.intake, Connections: a.Connections, Repository: a.Leads, Casework: a.Casework, Exchange: a.exchange,
		Fetch:    func(ctx context.Context, key string) (io.ReadCloser, error) { return a.blobs.Open(ctx, key) },
		Language: a.config.Company.Language, Now: a.now, Log: a.log, Metrics: intakeMetrics})
	if a.roles.Edge {
		if err := a.openEdge(); err != nil {
			return err
		}
	}
	if a.roles.Worker {
		a.startWorker()
	}
	a.health.checks = append(a.health.checks, check{"the bus", a.bus.healthy})
	return nil
}

func (a *App) startWorker() {
	a.work.start("intake", func(ctx context.Context) error { return a.bus.consumer.Consume(ctx, a.Intake.Handle) })
	a.work.start("calls", a.Intake.RunCalls)
	for name, forward := range a.bus.forwards {
		a.work.start(name, forward)
	}
	a.work.start("timers", a.Casework.Processes().RunTimers)
	a.work.start("deliveries", a.deliveries().Run)
	a.work.start("pollers", a.pollers().Run)
	a.work.start("exchange", a.exchange.Run)
	a.work.start("housekeeping", a.keepHouse)
}

func (a *App) openEdge() error {
	clientIP, err := clientIP(a.config.HTTP.TrustedProxies)
	if err != nil {
		return err
	}
	a.edge = edge.New(edge.Options{Connections: a.Connections, Publisher: a.bus.publisher, Store: a.store, ClientIP: clientIP,
		Zone: a.config.Company.Location(), Now: a.now, Metrics: edge.NewMetrics(a.registry), Log: a.log})
	return nil
}

func (a *App) store(ctx context.Context, key string, r io.Reader) error {
	_, err := a.blobs.Put(ctx, key, r)
	return err
}

// outgoing is what the gateway may call.
func outgoing(c configs.Config) safedial.Policy {
	var policy safedial.Policy
	for _, network := range c.Outgoing.Allow {
		policy.Allow = append(policy.Allow, netip.MustParsePrefix(network)) // checked when the settings were read
	}
	return policy
}

// deliveries sees out what has to go out: web hooks by ourselves, the rest by the connection it names.
func (a *App) deliveries() delivery.Worker {
	language := a.config.Company.Language
	webhook := delivery.Webhook{Client: outgoing(a.config).Client(), Now: a.now, Language: language}
	if secret := a.config.Outgoing.WebhookSecret.Reveal(); secret != "" {
		webhook.Secrets = []string{secret}
	}
	return delivery.Worker{
		Pool: a.database.work, Settle: a.Casework.Processes().Settle, Language: language, Now: a.now, Log: a.log, Metrics: delivery.NewMetrics(a.registry),
		Deliverers: func(r delivery.Request) (delivery.Deliverer, bool) {
			if r.Kind == kindWebhook {
				return webhook, true
			}
			if deliverer, ok := a.deliverer(r); ok {
				return deliverer, true
			}
			return delivery.DelivererFunc(a.nobodyDelivers), true
		},
	}
}

const kindWebhook = "webhook"

// deliverer is the connection that carries a request out, if there is one.
func (a *App) deliverer(r delivery.Request) (delivery.Deliverer, bool) {
	if r.Kind == exchange.Kind && a.exchange.Mirrors(r.Connection) {
		return a.exchange, true
	}
	connected, ok := a.Connections.Get(r.Connection)
	if !ok {
		_, found, ok := a.carrier(r)
		return lettered{a, found}, ok
	}
	if found, ok := connected.Instance.(carrier); ok {
		return lettered{a, found}, true
	}
	deliverer, ok := connected.Instance.(delivery.Deliverer)
	return deliverer, ok
}

// enqueue notes what has to go out, under the connection that carries it out, so that one that pauses holds up no other. What no
// connection can carry out, such as a letter before outgoing mail is connected, is parked at once, with the reason, unless a
// process waits to be told: a lease and a refusal for each would only cost.
func (a *App) enqueue(ctx context.Context, tx pgx.Tx, now time.Time, requests []delivery.Request) error {
	for i := range requests {
		r := &requests[i]
		if r.Kind == kindWebhook || a.Connections == nil {
			continue
		}
		if _, ok := a.Connections.Get(r.Connection); !ok {
			if name, _, ok := a.carrier(*r); ok {
				r.Connection = name
			}
		}
		if _, ok := a.deliverer(*r); !ok && r.Instance == 0 {
			r.Parked = a.nobody(r.Kind)
		}
	}
	return delivery.Enqueue(ctx, tx, now, requests)
}

func (a *App) nobody(kind string) string {
	return fmt.Sprintf(a.say("нет подключения, которое выполняет «%s»: подключите его и повторите отправку", "there is no connection that carries out %q: connect one and send again"), kind)
}

// say is a text in the language of the company.
func (a *App) say(ru, en string) string {
	return connectors.Text{"ru": ru, "en": en}.In(a.config.Company.Language)
}

// nobodyDelivers tells the process that waits that nobody can.
func (a *App) nobodyDelivers(_ context.Context, d delivery.Delivery) error {
	return delivery.Permanent{Err: errors.New(a.nobody(d.Kind))}
}

const housekeepingEvery = 10 * time.Minute

// keepHouse forgets what need not be kept: ended sessions and calls that rang, and past their retention raw copies, what calls
// were put together from and failures that were given up.
func (a *App) keepHouse(ctx context.Context) error {
	tick := time.NewTicker(housekeepingEvery)
	defer tick.Stop()
	for {
		if err := a.sweep(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (a *App) sweep(ctx context.Context) error {
	past := a.now().AddDate(0, 0, -a.config.Retention.RawDays)
	_, err := a.Staff.SweepSessions(ctx, a.now())
	if err == nil {
		var refs []string
		refs, err = a.Leads.ForgetRaw(ctx, past)
		for _, ref := range refs {
			err = errors.Join(err, a.blobs.Delete(ctx, ref))
		}
	}
	if err == nil {
		err = a.Leads.ForgetCalls(ctx, past)
	}
	if err == nil {
		err = a.Connections.ForgetFailures(ctx, past)
	}
	if err == nil {
		err = a.Staff.ForgetRings(ctx, a.now().Add(-time.Hour))
	}
	if err != nil && (ctx.Err() != nil || postgres.Classify(err) == postgres.Away) {
		return nil // the next round will do
	}
	return err
}
