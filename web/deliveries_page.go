package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"marshrut/internal/postgres"
	"marshrut/internal/staff"
	"marshrut/leads/repository"
	"marshrut/pipeline/delivery"
)

// deliveriesPage is what templates/deliveries.html shows: what was to go out and did not, and why.
type deliveriesPage struct {
	page
	Pauses  []pauseLine
	Kinds   []parkedKind
	List    []parkedLine
	Next    string
	May     bool
	Problem string
	Reason  string
}

// parkedKind is how much of one kind waits for a decision.
type parkedKind struct {
	delivery.ParkedKind
	Title string
}

// parkedLine is one delivery that waits for a decision.
type parkedLine struct {
	delivery.Delivery
	Title     string
	LeadTitle string
	Content   string
}

func (s *Server) showDeliveries(c *gin.Context, actor staff.Actor) error {
	return s.deliveries(c, actor, http.StatusOK, "")
}

func (s *Server) deliveries(c *gin.Context, actor staff.Actor, status int, problem string) error {
	p := deliveriesPage{page: s.page(c, actor, "deliveries.title"), May: actor.Can(staff.ReplayDeadLetters), Problem: problem, Reason: c.PostForm("reason")}
	var err error
	if p.Pauses, err = s.pauses(c.Request.Context(), p.Lang, ""); err != nil {
		return err
	}
	kinds, err := delivery.ParkedKinds(c.Request.Context(), s.Pool)
	if err != nil {
		return err
	}
	for _, k := range kinds {
		p.Kinds = append(p.Kinds, parkedKind{k, p.deliveryKind(k.Kind)})
	}
	if err := s.parkedLines(c, actor, &p); err != nil {
		return err
	}
	s.pages.show(c, status, "deliveries", p)
	return nil
}

// partOfDeliveries is how many a page lists.
const partOfDeliveries = 50

func (s *Server) parkedLines(c *gin.Context, actor staff.Actor, p *deliveriesPage) error {
	ctx := c.Request.Context()
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64) // what is no number begins at the newest
	list, err := delivery.List(ctx, s.Pool, delivery.Filter{State: delivery.Parked, Before: before, Limit: partOfDeliveries})
	if err != nil {
		return err
	}
	titles, err := s.leadTitles(ctx, list)
	if err != nil {
		return err
	}
	hide := staff.ScopeOf(actor).Masked
	for _, d := range list {
		line := parkedLine{Delivery: d, Title: p.deliveryKind(d.Kind), LeadTitle: titles[d.Lead], Content: readable(d.Payload)}
		if hide {
			line.LeadTitle, line.Content, line.LastError = masked(line.LeadTitle), masked(line.Content), masked(line.LastError)
		}
		p.List = append(p.List, line)
	}
	if len(list) == partOfDeliveries {
		p.Next = "?before=" + strconv.FormatInt(list[len(list)-1].ID, 10)
	}
	return nil
}

func (s *Server) leadTitles(ctx context.Context, list []delivery.Delivery) (map[int64]string, error) {
	titles, ids := map[int64]string{}, []int64{}
	for _, d := range list {
		if d.Lead != 0 {
			ids = append(ids, d.Lead)
		}
	}
	if len(ids) == 0 {
		return titles, nil
	}
	found, err := s.Leads.Leads(ctx, repository.LeadFilter{IDs: ids, Limit: len(ids)})
	for _, row := range found.Items {
		titles[row.ID] = row.Title
	}
	return titles, err
}

// deliveryKind is the kind in words, or as the connection calls it.
func (p page) deliveryKind(kind string) string {
	key := "deliveries.kind_" + strings.NewReplacer("-", "_", ".", "_").Replace(kind)
	if text := p.T(key); text != key {
		return text
	}
	return kind
}

// retryDelivery and its three siblings decide about what is parked; each decision is written down with it.
func (s *Server) retryDelivery(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	return s.decide(c, actor, "done.retrying", func(ctx context.Context, tx pgx.Tx) (repository.Entry, error) {
		d, err := delivery.Replay(ctx, tx, s.Now(), id)
		return decided(d, "delivery.replayed", nil), err
	})
}

func (s *Server) discardDelivery(c *gin.Context, actor staff.Actor) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(c.PostForm("reason"))
	if reason == "" {
		return s.reasonNeeded(c, actor)
	}
	return s.decide(c, actor, "done.given_up", func(ctx context.Context, tx pgx.Tx) (repository.Entry, error) {
		d, err := delivery.Discard(ctx, tx, s.Now(), id, reason)
		if err == nil {
			err = s.Casework.Processes().GiveUp(ctx, tx, actor, []delivery.Delivery{d})
		}
		return decided(d, "delivery.discarded", map[string]any{"reason": reason}), err
	})
}

func (s *Server) retryKind(c *gin.Context, actor staff.Actor) error {
	connection, kind := c.PostForm("connection"), c.PostForm("kind")
	return s.decide(c, actor, "done.retrying", func(ctx context.Context, tx pgx.Tx) (repository.Entry, error) {
		n, err := delivery.ReplayKind(ctx, tx, s.Now(), connection, kind)
		return repository.Entry{Object: "connection:" + delivery.Label(connection), Action: "delivery.replayed", Data: map[string]any{"kind": kind, "count": n}}, err
	})
}

func (s *Server) discardKind(c *gin.Context, actor staff.Actor) error {
	connection, kind, reason := c.PostForm("connection"), c.PostForm("kind"), strings.TrimSpace(c.PostForm("reason"))
	if reason == "" {
		return s.reasonNeeded(c, actor)
	}
	return s.decide(c, actor, "done.given_up", func(ctx context.Context, tx pgx.Tx) (repository.Entry, error) {
		given, err := delivery.DiscardKind(ctx, tx, s.Now(), connection, kind, reason)
		if err == nil {
			err = s.Casework.Processes().GiveUp(ctx, tx, actor, given)
		}
		return repository.Entry{Object: "connection:" + delivery.Label(connection), Action: "delivery.discarded", Data: map[string]any{"kind": kind, "count": len(given), "reason": reason}}, err
	})
}

func (s *Server) reasonNeeded(c *gin.Context, actor staff.Actor) error {
	p := s.page(c, actor, "deliveries.title")
	return s.deliveries(c, actor, http.StatusUnprocessableEntity, p.T("deliveries.reason_needed"))
}

// decided is the line of a decision about one delivery. Everybody who reads the journal reads it: the address of a web hook is cut.
func decided(d delivery.Delivery, action string, data map[string]any) repository.Entry {
	if data == nil {
		data = map[string]any{}
	}
	data["kind"], data["connection"] = d.Kind, delivery.Label(d.Connection)
	return repository.Entry{Lead: d.Lead, Object: "delivery:" + strconv.FormatInt(d.ID, 10), Action: action, Data: data}
}

// decision is something a person does, with its line in the journal.
type decision func(context.Context, pgx.Tx) (repository.Entry, error)

// carryOut makes a decision and its line in the journal in one transaction.
func (s *Server) carryOut(ctx context.Context, actor staff.Actor, how decision) error {
	return postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		entry, err := how(ctx, tx)
		if err != nil {
			return err
		}
		entry.At, entry.Actor = s.Now(), actor.ID
		return s.Leads.Journal(ctx, tx, []repository.Entry{entry})
	})
}

// decide carries out a decision of the page.
func (s *Server) decide(c *gin.Context, actor staff.Actor, done string, how decision) error {
	if err := s.carryOut(c.Request.Context(), actor, how); err != nil {
		return err
	}
	s.flash(c, done)
	c.Redirect(http.StatusSeeOther, "/deliveries")
	return nil
}
