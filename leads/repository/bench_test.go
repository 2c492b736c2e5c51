package repository

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"marshrut/internal/postgres"
	"marshrut/leads"
)

// crowd makes n inquiries of new people, as a form sends them: phone, e-mail, a text, five fields, marks of a campaign.
func crowd(run, n int) []leads.Inquiry {
	out := make([]leads.Inquiry, n)
	for i := range out {
		id := fmt.Sprintf("%032x%032x", run, i)
		number := fmt.Sprintf("+79%04d%05d", run%10000, i)
		in := leads.Inquiry{ID: id, Connection: "site", Channel: leads.ChannelForm, ReceivedAt: noon.Add(time.Duration(i) * time.Millisecond),
			BodyHash: []byte(id)[:32], Name: "Иван Петров", Points: []leads.ContactPoint{phone(number), email(number[1:] + "@example.ru")},
			Text: strings.Repeat("Нужны окна в дом. ", 8), Product: "Окна ПВХ", City: "Пермь", Source: "site", Consent: leads.Consent{State: "yes"}}
		for _, key := range []string{"name", "phone", "email", "message", "city"} {
			in.Fields = append(in.Fields, leads.Field{Key: key, Value: number, Known: key})
		}
		in.Attribution = leads.Attribution{UTM: leads.UTM{Source: "yandex", Medium: "cpc", Campaign: "okna"}, Page: "https://example.ru/okna",
			IP: "192.0.2.1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64)", ClickIDs: map[string]string{"yclid": id[:20]}}
		out[i] = in
	}
	return out
}

const benchBatch = 500

// BenchmarkCapture tells how many inquiries of new people are filed in a second, in batches of
// 500 by two workers, and how that compares with the floor: the same inquiries as bare rows of one table.
func BenchmarkCapture(b *testing.B) {
	h := newHouse(b, Options{})
	floor := floorRate(b, h)
	batches := make([][]leads.Inquiry, b.N+1)
	for i := range batches {
		batches[i] = crowd(1000+i, benchBatch)
	}
	h.capture(batches[b.N]...)
	var next atomic.Int64
	var g errgroup.Group
	b.ResetTimer()
	for range 2 {
		g.Go(func() error {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				if _, err := h.captureRetrying(batches[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	rate := float64(b.N*benchBatch) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "inquiries/s")
	b.ReportMetric(floor, "bare-rows/s")
	b.ReportMetric(rate/floor, "of-floor")
}

// BenchmarkCaptureOfKnownPeople is the other half of life: people with an open lead turn to us again.
func BenchmarkCaptureOfKnownPeople(b *testing.B) {
	h := newHouse(b, Options{})
	people := crowd(1, benchBatch)
	h.capture(people...)
	run := 0
	b.ResetTimer()
	for b.Loop() {
		run++
		for i := range people {
			people[i].ID = fmt.Sprintf("again %d %d", run, i)
		}
		h.capture(people...)
	}
	b.ReportMetric(float64(b.N*benchBatch)/b.Elapsed().Seconds(), "inquiries/s")
}

// floorRate inserts the rows of inquiries alone: what PostgreSQL does with them at best.
func floorRate(b *testing.B, h house) float64 {
	b.Helper()
	const rounds = 20
	var took time.Duration
	for run := range rounds {
		batch := crowd(run, benchBatch)
		start := time.Now()
		err := postgres.InTx(context.Background(), h.pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(context.Background(), `insert into inquiry (id, connection, channel, state, received_at, filed_at, body_hash, text, fields, details)
				select id, 'site', 'form', 'filed', at, at, hash, text, fields::jsonb, details::jsonb
				from unnest($1::text[], $2::timestamptz[], $3::bytea[], $4::text[], $5::text[], $6::text[]) as t (id, at, hash, text, fields, details)`,
				col(batch, func(in leads.Inquiry) string { return in.ID }), col(batch, func(in leads.Inquiry) time.Time { return in.ReceivedAt }),
				col(batch, func(in leads.Inquiry) []byte { return in.BodyHash }), col(batch, func(in leads.Inquiry) string { return in.Text }),
				col(batch, func(in leads.Inquiry) string { return list(in.Fields) }), col(batch, func(in leads.Inquiry) string { return object(detailsOf(in)) }))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		took += time.Since(start)
	}
	return rounds * benchBatch / took.Seconds()
}
