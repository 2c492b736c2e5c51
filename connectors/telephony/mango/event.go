package mango

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"marshrut/connectors"
	"marshrut/connectors/telephony"
	"marshrut/leads"
)

// text is a value that Mango writes as a string in one place and as a number in another, with spaces around at times.
type text string

// UnmarshalJSON takes any scalar; what is none says nothing, and costs the rest of the event nothing.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	b = only(b)
	switch {
	case len(b) > 0 && b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(strings.TrimSpace(s))
	case bytes.ContainsAny(b, "{["), string(b) == "null":
	default:
		*t = text(b)
	}
	return nil
}

func (t text) number() int64 {
	n, _ := strconv.ParseInt(string(t), 10, 64)
	return n
}

// moment reads seconds since 1970; 0 is never.
func (t text) moment() time.Time {
	if n := t.number(); n > 0 {
		return time.Unix(n, 0).UTC()
	}
	return time.Time{}
}

// side is who calls, or who is called.
type side struct {
	Extension text `json:"extension"`
	Number    text `json:"number"`
	Line      text `json:"line_number"`
	TakenFrom text `json:"taken_from_call_id"`
}

// UnmarshalJSON also takes a number that stands where the object should; what is neither says nothing.
func (s *side) UnmarshalJSON(b []byte) error {
	type plain side // without this method
	*s = side{}
	if b = only(b); len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, (*plain)(s))
	}
	return s.Number.UnmarshalJSON(b)
}

// only is what a list of one holds, and everything else as it is.
func only(b []byte) []byte {
	var list []json.RawMessage
	if len(b) > 0 && b[0] == '[' && json.Unmarshal(b, &list) == nil && len(list) == 1 {
		return list[0]
	}
	return b
}

// event is any of the events about calls; each kind fills what it has.
type event struct {
	Entry     text `json:"entry_id"`
	CallID    text `json:"call_id"`
	Seq       text `json:"seq"`
	Timestamp text `json:"timestamp"`
	State     text `json:"call_state"`
	Location  text `json:"location"`
	From      side `json:"from"`
	To        side `json:"to"`
	Command   text `json:"command_id"`
	Initiator text `json:"callback_initiator"`
	Reason    text `json:"disconnect_reason"`

	// Of a summary.
	Direction   text `json:"call_direction"`
	Line        text `json:"line_number"`
	CreateTime  text `json:"create_time"`
	ForwardTime text `json:"forward_time"`
	TalkTime    text `json:"talk_time"`
	EndTime     text `json:"end_time"`

	// Of a recording.
	Recording      text `json:"recording_id"`
	RecordingState text `json:"recording_state"`
}

// read understands the field json: its first value, whatever stands before and behind it.
func read(field string) (event, error) {
	var raw json.RawMessage
	var e event
	field = strings.TrimPrefix(strings.TrimSpace(field), "\ufeff")
	if err := json.NewDecoder(strings.NewReader(field)).Decode(&raw); err != nil {
		return e, err
	}
	err := json.Unmarshal(only(raw), &e)
	return e, err
}

// id names the event. A part without number is told by its moment and state.
func (e event) id(kind string) string {
	switch kind {
	case kindCall:
		if e.CallID != "" {
			return strings.Join([]string{string(e.Entry), kind, string(e.CallID), string(e.Seq), string(e.Timestamp), string(e.State)}, "/")
		}
	case kindSummary:
		if e.Entry != "" {
			return string(e.Entry) + "/" + kind
		}
	case kindRecord:
		if e.Recording != "" {
			return strings.Join([]string{string(e.Entry), kind, string(e.Recording), string(e.RecordingState), string(e.Seq)}, "/")
		}
	}
	return ""
}

// Fact understands an event.
func (d dialect) Fact(r connectors.Request) (telephony.Fact, error) {
	e, err := read(telephony.Fields(r).Get("json"))
	if err != nil {
		return telephony.Fact{}, errors.New(d.say.broken)
	}
	switch e.kind(r.Path) {
	case kindCall:
		return d.inWords(e.part()), nil
	case kindSummary:
		return d.inWords(e.summary()), nil
	case kindRecord:
		return telephony.Fact{Kind: telephony.Recorded, Recording: string(e.Recording)}, nil
	}
	return telephony.Fact{}, errors.New(d.say.unknown)
}

// part is a change of one telephone's part of the call.
func (e event) part() telephony.Fact {
	f := telephony.Fact{Kind: telephony.Begun, Leg: string(e.CallID), Seq: int(e.Seq.number()), At: e.Timestamp.moment(), Reason: string(e.Reason), Callback: e.callback()}
	f.Direction, f.Client, f.Extension, f.Dialled = parties(e.From, e.To, "")
	f.Dialled = string(cmp.Or(text(f.Dialled), e.To.Line, e.From.Line))
	switch e.State {
	case "Appeared":
		if e.Location == "abonent" {
			f.Kind = telephony.Rings
		}
	case "Connected", "OnHold":
		if e.Location == "abonent" {
			f.Kind = telephony.Answered
		}
	case "Disconnected":
		f.Kind = telephony.LegOver
	}
	if f.Direction == leads.DirectionOut && f.Kind == telephony.Rings && f.Extension != "" {
		f.Kind = telephony.Begun // our employee dials: nothing rings on our side
	}
	return f
}

// callback tells a call that began with ringing us and then the client, whoever asked for it. A command may
// also have routed a call that came in; then the part was taken from another one.
func (e event) callback() bool {
	return e.Initiator != "" || e.Command != "" && e.From.TakenFrom == "" && e.Location == "abonent" && e.From.Extension == ""
}

// summary is the final word. A call lost in a menu says entry_result 1 as well: only the time of talk decides.
func (e event) summary() telephony.Fact {
	f := telephony.Fact{Kind: telephony.Over, At: e.EndTime.moment(), Began: e.CreateTime.moment(), Reason: string(e.Reason), Callback: e.callback()}
	f.Direction, f.Client, f.Extension, f.Dialled = parties(e.From, e.To, e.Direction)
	f.Dialled = string(cmp.Or(e.Line, text(f.Dialled)))
	rings := e.CreateTime.moment()
	if forwarded := e.ForwardTime.moment(); !forwarded.IsZero() {
		rings = forwarded
	}
	answered, ended := e.TalkTime.moment(), e.EndTime.moment()
	if f.Answered = !answered.IsZero(); f.Answered {
		f.Ring, f.Talk = between(rings, answered), between(answered, ended)
	} else {
		f.Ring = between(rings, ended)
	}
	return f
}

func between(from, to time.Time) time.Duration {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return max(to.Sub(from), 0)
}

// parties says who of the two is ours. Only a summary names the direction (0 internal, 1 in, 2 out); of a part,
// an extension on the calling side tells.
func parties(from, to side, direction text) (way leads.Direction, client, extension, dialled string) {
	switch {
	case direction == "0", direction == "" && from.Extension != "" && to.Extension != "":
		return leads.DirectionNone, string(from.Number), string(cmp.Or(to.Extension, from.Extension)), ""
	case direction == "2", direction == "" && from.Extension != "":
		return leads.DirectionOut, string(to.Number), string(from.Extension), string(from.Line)
	}
	return leads.DirectionIn, string(from.Number), string(to.Extension), string(to.Line)
}

// inWords says why the call ended in words, where we know what the code means.
func (d dialect) inWords(f telephony.Fact) telephony.Fact {
	f.Reason = cmp.Or(d.say.reasons[f.Reason], f.Reason)
	return f
}

type words struct {
	broken, unknown string
	reasons         map[string]string // by code, those that people meet
}

func inLanguage(language string) words {
	if language == "en" {
		return words{"the field json of Mango's message cannot be read", "Mango reports something we do not know", map[string]string{
			"1100": "ended normally", "1110": "the caller hung up", "1111": "no answer", "1120": "the called side hung up", "1121": "busy", "1122": "rejected",
			"1123": "do not disturb", "1131": "unavailable", "1151": "on the black list", "1164": "all operators busy", "1170": "ended by the call's scheme"}}
	}
	return words{"поле json в сообщении Mango не читается", "Mango сообщает о чём-то, чего мы не знаем", map[string]string{
		"1100": "завершён обычно", "1110": "звонивший положил трубку", "1111": "не ответили", "1120": "собеседник положил трубку", "1121": "занято", "1122": "отклонён",
		"1123": "не беспокоить", "1131": "недоступен", "1151": "номер в чёрном списке", "1164": "все операторы заняты", "1170": "завершён по схеме звонка"}}
}
