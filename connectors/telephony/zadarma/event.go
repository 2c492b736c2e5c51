package zadarma

import (
	"cmp"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/telephony"
	"marshrut/leads"
)

// The events.
const (
	notifyStart    = "NOTIFY_START"
	notifyInternal = "NOTIFY_INTERNAL"
	notifyAnswer   = "NOTIFY_ANSWER"
	notifyEnd      = "NOTIFY_END"
	notifyIVR      = "NOTIFY_IVR"
	notifyOutStart = "NOTIFY_OUT_START"
	notifyOutEnd   = "NOTIFY_OUT_END"
	notifyRecord   = "NOTIFY_RECORD"
)

// Fact understands an event.
func (d dialect) Fact(r connectors.Request) (telephony.Fact, error) {
	form := telephony.Fields(r)
	f := telephony.Fact{Began: d.moment(form.Get("call_start")), Direction: leads.DirectionIn, Client: form.Get("caller_id"),
		Dialled: form.Get("called_did"), Extension: form.Get("internal")}
	switch form.Get("event") {
	case notifyStart, notifyIVR:
		f.Kind, f.Extension = telephony.Begun, ""
	case notifyInternal:
		f.Kind, f.Leg = telephony.Rings, f.Extension
	case notifyAnswer:
		f.Kind, f.Extension = telephony.Answered, cmp.Or(f.Extension, form.Get("destination"))
		f.Leg = f.Extension
	case notifyEnd:
		d.end(&f, form)
	case notifyOutStart, notifyOutEnd:
		f.Direction, f.Client, f.Dialled = leads.DirectionOut, form.Get("destination"), form.Get("caller_id")
		f.Kind = telephony.Begun
		f.Callback = form.Get("calltype") == "callback_leg2"
		if form.Get("event") == notifyOutEnd {
			d.end(&f, form)
		}
	case notifyRecord:
		f = telephony.Fact{Kind: telephony.Recorded, Recording: form.Get("call_id_with_rec")}
	default:
		return telephony.Fact{}, errors.New(d.say.noEvent)
	}
	return f, nil
}

// end is the final word on a call. Its duration is of the talk; when it ended it does not say.
func (d dialect) end(f *telephony.Fact, form url.Values) {
	how := strings.ToLower(strings.TrimSpace(form.Get("disposition")))
	f.Kind, f.Reason = telephony.Over, cmp.Or(d.say.reasons[how], how)
	if f.Answered = how == "answered"; f.Answered {
		f.Talk = seconds(form.Get("duration"))
	}
	if form.Get("is_recorded") == "1" {
		f.Recording = form.Get("call_id_with_rec")
	}
}

// moment reads the wall clock of the cabinet.
func (d dialect) moment(text string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, text, d.zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

func seconds(text string) time.Duration {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(n >= 0 && n <= 1_000_000) {
		return 0
	}
	return time.Duration(n) * time.Second
}
