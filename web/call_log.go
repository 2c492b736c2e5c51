package web

import (
	"context"
	"net/url"
	"strings"
	"time"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/leads/repository"
)

// callLog is the list of calls that are over. Its part "call-log" stands under the calls of this moment.
type callLog struct {
	Log   []loggedCall
	Kinds []option // which calls; values are addresses
	Next  string
}

// loggedCall is a call as a line.
type loggedCall struct {
	repository.LoggedCall
	Title, Tone string
	Who         string // contact and firm
}

// Incoming: whoever calls may hide the number. Of a call of ours without one, somebody noted it by hand.
func (c loggedCall) Incoming() bool { return c.Direction == leads.DirectionIn }

// callKinds are the ways to choose among the calls, by the value of "show".
var callKinds = []struct {
	show string
	repository.CallLogFilter
}{
	{"", repository.CallLogFilter{}},
	{"missed", repository.CallLogFilter{Direction: leads.DirectionIn, Missed: true}},
	{"in", repository.CallLogFilter{Direction: leads.DirectionIn}},
	{"out", repository.CallLogFilter{Direction: leads.DirectionOut}},
}

func (s *Server) callLog(ctx context.Context, actor staff.Actor, p page, query url.Values) (callLog, error) {
	var log callLog
	var f repository.CallLogFilter
	for _, kind := range callKinds {
		chosen := kind.show == query.Get("show")
		if chosen {
			f = kind.CallLogFilter
		}
		address := "/calls"
		if kind.show != "" {
			address += "?show=" + kind.show
		}
		log.Kinds = append(log.Kinds, option{address, p.T("calls.show_" + kind.show), chosen})
	}
	scope := staff.ScopeOf(actor)
	f.VisibleTo, f.Cursor = scope.VisibleTo, query.Get("cursor")
	found, err := s.Leads.CallLog(ctx, f)
	if err != nil {
		return log, err
	}
	log.Next = with(query, "cursor", found.Next)
	for _, call := range found.Items {
		log.Log = append(log.Log, p.loggedCall(call, scope.Masked))
	}
	return log, nil
}

func (p page) loggedCall(call repository.LoggedCall, hide bool) loggedCall {
	out := call.Direction == leads.DirectionOut
	line := loggedCall{LoggedCall: call, Who: strings.Trim(call.Contact+", "+call.Client, ", "),
		Title: p.callTitle(out, call.Missed, time.Duration(call.Seconds)*time.Second)}
	switch {
	case call.Missed && out:
		line.Tone = "warn"
	case call.Missed:
		line.Tone = "danger"
	case out:
		line.Tone = "good"
	default:
		line.Tone = "info"
	}
	if hide {
		line.Number, line.LeadTitle = masked(line.Number), masked(line.LeadTitle)
	}
	return line
}
