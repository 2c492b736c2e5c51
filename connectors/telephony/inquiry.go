package telephony

import (
	"strings"

	"marshrut/leads"
)

// inquiry is what a call is to the lead business; false when it is between our own
// people or nothing is known of it.
func (i *Instance) inquiry(c Call) (leads.Inquiry, bool) {
	if c.Unknown || c.Direction == leads.DirectionNone || i.isInternal(c.Client) {
		return leads.Inquiry{}, false
	}
	in := leads.Inquiry{Channel: leads.ChannelCall, Direction: c.Direction, ReceivedAt: c.Began,
		Call: &leads.Call{Answered: c.Answered, Ring: c.Ring, Talk: c.Talk, Dialled: i.dialled(c.Dialled), Recording: c.Recording}}
	if i.isInternal(c.Extension) {
		in.Call.Extension = c.Extension
	}
	if point, ok := i.phone(c.Client); ok {
		in.Points = append(in.Points, point)
	}
	in.Source = i.sources[in.Call.Dialled]
	say := texts[i.language()]
	for _, f := range []leads.Field{
		{Key: "client", Label: say.client, Value: c.Client, Known: "phone"},
		{Key: "dialled", Label: say.dialled, Value: c.Dialled},
		{Key: "extension", Label: say.extension, Value: c.Extension},
		{Key: "reason", Label: say.reason, Value: c.Reason},
	} {
		if f.Value != "" {
			in.Fields = append(in.Fields, f)
		}
	}
	return in, true
}

// live is what the screens of our people show of the call.
func (i *Instance) live(c Call) leads.LiveCall {
	live := leads.LiveCall{State: c.State, Direction: c.Direction, Dialled: i.dialled(c.Dialled), Extensions: c.Phones, Since: c.Since, Until: c.Until}
	if c.Unknown || c.Direction == leads.DirectionNone || i.isInternal(c.Client) {
		live.State, live.Extensions = leads.CallOver, nil
	}
	if point, ok := i.phone(c.Client); ok {
		live.Number = point.Value
	}
	return live
}

func (i *Instance) isInternal(number string) bool {
	return number != "" && i.internal.MatchString(bare(number))
}

// phone is the normal form of a number as exchanges write it; false for a hidden one.
func (i *Instance) phone(number string) (leads.ContactPoint, bool) {
	number = bare(number)
	point, ok := leads.Phone(international(number), i.settings.Region)
	point.Written = number
	return point, ok
}

// dialled is the form in which numbers of ours are compared.
func (i *Instance) dialled(number string) string {
	if point, ok := leads.Phone(international(bare(number)), i.settings.Region); ok {
		return point.Value
	}
	return strings.ToLower(bare(number))
}

// bare takes off what SIP writes around a number: sip:79120000001@pbx.example;user=phone.
// A name that is no number keeps its domain, which is part of it.
func bare(number string) string {
	number = strings.TrimSpace(number)
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(number) > len(scheme) && strings.EqualFold(number[:len(scheme)], scheme) {
			number = number[len(scheme):]
		}
	}
	number, _, _ = strings.Cut(number, ";")
	if user, _, ok := strings.Cut(number, "@"); ok && user != "" && strings.Trim(user, "+0123456789") == "" {
		return user
	}
	return number
}

// international puts the plus in front of a number that is written in full without it, as exchanges do.
func international(number string) string {
	if len(number) >= 11 && len(number) <= 15 && strings.Trim(number, "0123456789") == "" && number[0] != '8' && number[0] != '0' {
		return "+" + number
	}
	return number
}

var texts = map[string]struct{ client, dialled, extension, reason, noCall string }{
	"ru": {"Номер клиента", "Набранный номер", "Внутренний номер", "Чем закончился", "в сообщении АТС нет идентификатора звонка"},
	"en": {"Client's number", "Number dialled", "Extension", "How it ended", "the exchange's message has no id of a call"},
}
