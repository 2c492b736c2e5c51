package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"marshrut/connectors/onec/onectest"
)

const baseLeads = 1000

// readBase measures how fast leads that were entered in 1C become leads here.
func (x *channels) readBase(ctx context.Context, _ options, results *table) error {
	began := time.Now()
	for n := range baseLeads {
		if _, err := x.base.Add(onectest.Leads, baseLead(n)); err != nil {
			return err
		}
	}
	if err := x.company.until(ctx, "the leads of 1C are here", `select count(*) >= $1 from lead where connection = 'unf'`, baseLeads); err != nil {
		return err
	}
	took := time.Since(began)
	results.add(row{"leads entered in 1C to leads here", fmt.Sprintf("%.0f/s", baseLeads/took.Seconds()), "-", "-", "-", true})
	return x.quiet(ctx, baseLeads)
}

// quiet waits until so many leads of 1C are here and nothing is left to go out: what is measured next shall not pay for it.
func (x *channels) quiet(ctx context.Context, leads int) error {
	return x.company.until(ctx, "nothing is left to do for 1C", `select (select count(*) >= $1 from lead where connection = 'unf')
		and not exists (select from delivery where connection = 'unf' and state in ('waiting', 'leased'))`, leads)
}

// heldByBase counts the leads that 1C has and of which we know it. The base itself would copy all it has to be asked.
const heldByBase = "select count(*)::int from exchange_link where connection = 'unf' and kind = 'lead' and version <> ''"

// writeBase measures how fast leads of ours get into 1C with their people, against a client that knows what to write and
// writes the leads alone, two at a time as we do.
func (x *channels) writeBase(ctx context.Context, o options, results *table) error {
	if o.statements > 0 {
		if err := x.company.forgetStatements(ctx); err != nil {
			return err
		}
	}
	before, err := x.company.count(ctx, heldByBase)
	if err != nil {
		return err
	}
	requests := len(x.base.Calls())
	v := newVisitor(x.company.address())
	v.count.Store(9_000_000)
	began := time.Now()
	var crowd errgroup.Group
	crowd.SetLimit(senders)
	for range baseLeads {
		crowd.Go(func() error {
			_, err := v.submit(ctx)
			return err
		})
	}
	if err := crowd.Wait(); err != nil {
		return err
	}
	if err := x.company.until(ctx, "our leads are in 1C", "select ("+heldByBase+") >= $1", before+baseLeads); err != nil {
		return err
	}
	took := time.Since(began)
	if o.statements > 0 {
		if err := x.company.printStatements(ctx, os.Stdout, o.statements); err != nil {
			return err
		}
	}
	requests = len(x.base.Calls()) - requests
	floor, err := x.plainly(ctx)
	if err != nil {
		return err
	}
	rate := baseLeads / took.Seconds()
	results.add(row{fmt.Sprintf("leads of ours into 1C (%.1f requests each)", float64(requests)/baseLeads), fmt.Sprintf("%.0f/s", rate),
		fmt.Sprintf("%.0f/s", floor), fmt.Sprintf("%.2f", rate/floor), "-", true})
	return x.quiet(ctx, 2*baseLeads) // those of the floor are news here
}

func (x *channels) plainly(ctx context.Context) (rate float64, err error) {
	var clients errgroup.Group
	clients.SetLimit(2)
	began := time.Now()
	for n := range baseLeads {
		clients.Go(func() error { return x.postLead(ctx, n) })
	}
	err = clients.Wait()
	return baseLeads / time.Since(began).Seconds(), err
}

func (x *channels) postLead(ctx context.Context, n int) error {
	lead := baseLead(100_000 + n)
	lead["Ref_Key"] = fmt.Sprintf("%08x-bec4-4000-8000-000000000000", n)
	body, err := json.Marshal(lead)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, x.address+"/odata/standard.odata/"+onectest.Leads+"?$format=json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.SetBasicAuth("gateway", basePassword)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusCreated {
		err = fmt.Errorf("the base answered %s: %s", answer.Status, text)
	}
	return err
}

// baseLead is a lead as people enter it in 1C.
func baseLead(n int) onectest.Object {
	return onectest.Object{"Description": fmt.Sprintf("Иван Петров %d", n), "Комментарий": "Спрашивал про кухню", "СостояниеЛида_Key": "5a1f0000-0000-4000-8000-000000000001",
		"КонтактнаяИнформация": []onectest.Object{{"LineNumber": "1", "Тип": "Телефон", "Вид_Key": "9e5b0000-0000-4000-8000-000000000001",
			"Представление": fmt.Sprintf("+7 913 %07d", n)}}}
}
