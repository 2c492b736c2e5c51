package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"marshrut/internal/demo"
)

const (
	oldLetters = 100_000 // in the mailbox before it is connected: history that nobody asked for
	newLetters = 3_000   // that came while the gateway was away
	letterRate = 20      // a second
)

// written is a letter as people write them, by its number.
func written(n int) []byte {
	return []byte(strings.ReplaceAll(fmt.Sprintf(`From: =?utf-8?B?0JjQstCw0L0=?= <writer%d@example.org>
To: %s
Subject: =?utf-8?B?0JLQvtC/0YDQvtGBINC/0L4g0LrRg9GF0L3QtQ==?=
Date: %s
Message-ID: <bench-%d@mail.example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Здравствуйте! Сколько стоит кухня три метра, и когда можно приехать на замер?
--
Иван, +7 912 %07d
`, n, mailAddress, time.Now().Format(time.RFC1123Z), n, 5_000_000+n), "\n", "\r\n"))
}

const lettersWithTask = `select count(*)::int from inquiry i where i.connection = 'mail' and exists (select from task t where t.subject = i.lead_id)`

// letters measures how fast letters that waited become leads with a task, and how long one takes that comes, each with
// the memory it takes beside a mailbox of 100,000.
func (x *channels) letters(ctx context.Context, o options, results *table) error {
	var rate float64
	waitedMemory, err := x.company.most(ctx, func() (err error) {
		rate, err = x.waited(ctx, o)
		return err
	})
	if err != nil {
		return err
	}
	var took *latencies
	comeMemory, err := x.company.most(ctx, func() (err error) {
		took, err = x.come(ctx, o)
		return err
	})
	if err != nil {
		return err
	}
	in := fmt.Sprintf("in a mailbox of %d", oldLetters)
	results.add(row{"letters that waited, to lead, process and task, " + in, fmt.Sprintf("%.0f/s", rate), "-", "-", "-", true})
	results.add(under("memory of the gateway meanwhile", waitedMemory, 250, "MB"))
	r := under(fmt.Sprintf("a letter that comes to its task, at %d/s, p99", letterRate), milliseconds(took.quantile(0.99)), 1000, "ms")
	r.measured += fmt.Sprintf(" (p50 %.0f ms)", milliseconds(took.quantile(0.5)))
	results.add(r)
	results.add(under("memory of the gateway meanwhile", comeMemory, 250, "MB"))
	return nil
}

// most is the most memory the gateway takes while something is done.
func (c *company) most(ctx context.Context, do func() error) (memory float64, err error) {
	watching, stop := context.WithCancel(ctx)
	var watch errgroup.Group
	watch.Go(func() error {
		for rest(watching, 100*time.Millisecond) == nil {
			memory = math.Max(memory, c.gateway.memory())
		}
		return nil
	})
	err = do()
	stop()
	return memory, errors.Join(err, watch.Wait())
}

// waited is the rate at which letters are taken that came while the gateway was away.
func (x *channels) waited(ctx context.Context, o options) (rate float64, err error) {
	if err := x.company.gateway.stop(ctx); err != nil {
		return 0, err
	}
	for n := range newLetters {
		if err := x.office.Put(demo.Inbox, time.Now(), written(1+n)); err != nil {
			return 0, err
		}
	}
	if err := x.company.start(ctx, o); err != nil {
		return 0, err
	}
	began := time.Now()
	err = x.company.until(ctx, "the letters have tasks", "select ("+lettersWithTask+") >= $1", newLetters)
	return newLetters / time.Since(began).Seconds(), err
}

// come lets letters come one by one and measures each until its task is there.
func (x *channels) come(ctx context.Context, o options) (*latencies, error) {
	took := &latencies{}
	tick := time.NewTicker(time.Second / letterRate)
	defer tick.Stop()
	var waiting errgroup.Group
	for n, began := newLetters, time.Now(); time.Since(began) < o.span; n++ {
		<-tick.C
		put := time.Now()
		if err := x.office.Put(demo.Inbox, put, written(1+n)); err != nil {
			return nil, err
		}
		if n%letterRate != 0 { // one a second is watched
			continue
		}
		waiting.Go(func() error {
			err := x.company.untilWorkedOn(ctx, n)
			took.add(time.Since(put))
			return err
		})
	}
	return took, waiting.Wait()
}

// untilWorkedOn waits for the task of a letter.
func (c *company) untilWorkedOn(ctx context.Context, n int) error {
	return c.watch(ctx, 10*time.Millisecond, "a letter has a task", `select exists (select from contact_point p join lead l on l.contact_id = p.contact_id
		join task t on t.subject = l.id where p.kind = 'email' and p.value = $1)`, fmt.Sprintf("writer%d@example.org", 1+n))
}
