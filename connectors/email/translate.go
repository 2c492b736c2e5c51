package email

import (
	"cmp"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"marshrut/connectors"
	"marshrut/connectors/webform"
	"marshrut/leads"
	"marshrut/pipeline"
)

// Attributes of a letter's event.
const (
	attrFolder = "folder" // which sort of folder it lay in: "" or folderSent
	folderSent = "sent"
	attrNotice = "notice" // what people should know of how it was fetched
)

// Translate understands a letter. There is always something in one, so it fails only on an empty one.
func (i *Instance) Translate(e pipeline.Event) ([]leads.Inquiry, error) {
	if len(strings.TrimSpace(string(e.Data))) == 0 {
		return nil, errors.New(say(i.connection.Language, "Письмо пустое", "The letter is empty"))
	}
	l := Parse(e.Data)
	in := i.inquiry(&l, e.Attributes[attrFolder] == folderSent)
	r := connectors.RequestOf(e)
	in.Files = append(slices.Clone(r.Files), in.Files...)
	in.VendorID = identity(l.MessageID) // answers name it; the event also tells letters apart that share it
	if hash, err := hex.DecodeString(e.Attributes[connectors.AttrHash]); err == nil {
		in.BodyHash = hash
	}
	if notice := e.Attributes[attrNotice]; notice != "" {
		in.Fields = append(in.Fields, leads.Field{Key: "_note", Label: say(i.connection.Language, "Замечание", "Note"), Value: notice})
	} else if !l.Whole {
		in.Fields = append(in.Fields, leads.Field{Key: "_note", Label: say(i.connection.Language, "Замечание", "Note"),
			Value: say(i.connection.Language, "Письмо разобрано не до конца: оно испорчено, или в нём слишком много вложенных частей. Оригинал сохранён", "The letter was not taken apart to the end: it is damaged, or has too many parts in each other. The original is kept")})
	}
	return []leads.Inquiry{in}, nil
}

func (i *Instance) inquiry(l *Letter, sent bool) leads.Inquiry {
	kind := Classify(*l)
	var in leads.Inquiry
	switch {
	case sent, kind == Human && i.copied(l):
		in = i.outgoing(l)
	case kind == Bounce || kind == Delay:
		in = i.bounce(l, kind)
	case i.settings.ours(l.From.Mail) && l.inner() != nil:
		in = i.enclosed(l)
	case kind == Notification || kind == Human && i.settings.ours(l.From.Mail) && len(fieldsOf(l.Text)) > 1:
		in = i.notification(l)
	default:
		in = i.personal(l)
		in.Automatic = kind == AutoReply
		if kind == Newsletter {
			in.State = leads.StateSpam // kept, and no lead: it is about nobody
		}
	}
	if in.Product == "" {
		in.Product = i.settings.Product
	}
	in.Refs = append(in.Refs, refs(l)...)
	if own := leads.LetterRef(l.MessageID); l.MessageID != "" && (kind != Notification || in.Outgoing()) && !slices.Contains(in.Refs, own) {
		in.Refs = append(in.Refs, own) // some sites give all their letters the same one: it would make all their clients one lead
	}
	return in
}

// copied knows a letter of an employee to somebody outside, of which the mailbox has got a copy.
func (i *Instance) copied(l *Letter) bool {
	return i.settings.ours(l.From.Mail) && slices.ContainsFunc(slices.Concat(l.To, l.Cc), func(a Address) bool { return a.Mail != "" && !i.settings.ours(a.Mail) })
}

// refs are the names of the letters that a letter answers, the nearest first.
func refs(l *Letter) []string {
	var names []string
	add := func(ids ...string) {
		for _, id := range ids {
			if name := leads.LetterRef(id); id != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	add(l.InReplyTo...)
	for n := range l.References {
		add(l.References[len(l.References)-1-n])
	}
	return names[:min(len(names), leads.MaxRefs-5)]
}

// personal is a letter that a person wrote, or an answering machine for one.
func (i *Instance) personal(l *Letter) leads.Inquiry {
	in := leads.Inquiry{Direction: leads.DirectionIn, Name: l.From.Name, Subject: l.Subject}
	from := l.From
	if reply := first(l.ReplyTo); reply.Mail != "" && !i.settings.ours(reply.Mail) && (from.Mail == "" || isMachine(from.Mail)) {
		from = reply
		if reply.Name != "" {
			in.Name = reply.Name
		}
	}
	if !i.settings.ours(from.Mail) && !isMachine(from.Mail) {
		in.Points = mailPoint(from)
	}
	i.foldInto(&in, l)
	return in
}

func mailPoint(a Address) []leads.ContactPoint {
	if a.Mail == "" {
		return nil
	}
	return []leads.ContactPoint{{Kind: leads.KindEmail, Value: a.Mail, Written: a.Mail}}
}

// foldInto puts what the writer says into the text, and the rest where it can be unfolded.
func (i *Instance) foldInto(in *leads.Inquiry, l *Letter) {
	visible, folded := Fold(l.Text, l.Quote)
	in.Text = visible
	if folded != "" {
		in.Fields = append(in.Fields, leads.Field{Key: "_folded", Label: say(i.connection.Language, "Цитата и подпись", "Quote and signature"), Value: folded})
	}
}

// outgoing is a letter of an employee to a client, found among those sent.
func (i *Instance) outgoing(l *Letter) leads.Inquiry {
	in := leads.Inquiry{Direction: leads.DirectionOut, Subject: l.Subject}
	for _, to := range slices.Concat(l.To, l.Cc) {
		if to.Mail == "" || i.settings.ours(to.Mail) {
			continue
		}
		in.Name, in.Points = to.Name, mailPoint(to) // the first one: the others are in copy, and other people
		break
	}
	i.foldInto(&in, l)
	return in
}

// bounce tells that a letter of ours did not arrive. It is from nobody.
func (i *Instance) bounce(l *Letter, kind Kind) leads.Inquiry {
	subject := say(i.connection.Language, "Письмо не доставлено", "A letter was not delivered")
	if kind == Delay {
		subject = say(i.connection.Language, "Письмо ещё не доставлено", "A letter has not been delivered yet")
	}
	if failed := l.failed(); len(failed) > 0 {
		subject += ": " + strings.Join(failed[:min(len(failed), 5)], ", ")
	}
	in := leads.Inquiry{Direction: leads.DirectionIn, Automatic: true, Subject: subject, Text: l.Text}
	for _, id := range l.returned() {
		in.Refs = append(in.Refs, leads.LetterRef(id))
	}
	return in
}

// notification is a form or an aggregator telling of somebody: the client is who the fields name, or who is to be answered,
// never the machine that sends.
func (i *Instance) notification(l *Letter) leads.Inquiry {
	var form webform.Form
	pairs := fieldsOf(l.Text)
	if !reaches(pairs) {
		pairs = append(pairs, labelled(l.Text)...)
	}
	for _, p := range pairs {
		form.Add(p.key, p.value)
	}
	in := webform.Understand(form, i.connection, webform.Settings{Mapping: i.settings.Mapping, Product: i.settings.Product})
	in.Direction = leads.DirectionIn
	if in.Subject == "" {
		in.Subject = l.Subject
	}
	in.Points = slices.DeleteFunc(in.Points, func(p leads.ContactPoint) bool { return i.settings.ours(p.Value) || isMachine(p.Value) })
	if reply := first(l.ReplyTo); len(in.Points) == 0 && reply.Mail != "" && !i.settings.ours(reply.Mail) && !isMachine(reply.Mail) {
		in.Points = mailPoint(reply)
		if in.Name == "" {
			in.Name = reply.Name
		}
	}
	if len(in.Points) == 0 && !isMachine(l.From.Mail) && !i.settings.ours(l.From.Mail) {
		in.Points, in.Name = mailPoint(l.From), cmp.Or(in.Name, l.From.Name)
	}
	i.lastResort(&in, l)
	if in.Text == "" {
		in.Text = l.Text
	}
	i.order(l.Text, &in)
	in.Refs = append(in.Refs, submissions(l.Text)...)
	return in
}

// lastResort finds whom a letter is about that names nobody in its fields: who wrote what is passed on, or a phone in the text.
func (i *Instance) lastResort(in *leads.Inquiry, l *Letter) {
	writer := passedOn(l.Text)
	if len(in.Points) == 0 && !i.settings.ours(writer.Mail) && !isMachine(writer.Mail) {
		in.Points = mailPoint(writer)
	}
	if slices.ContainsFunc(in.Points, func(p leads.ContactPoint) bool { return p.Value == writer.Mail }) {
		in.Name = cmp.Or(in.Name, writer.Name)
	}
	if phones := writtenPhones(l.Text, i.connection.Region); len(in.Points) == 0 && len(phones) == 1 {
		in.Points = phones
	}
}

// enclosed is the inquiry of a letter that an employee passes on as a file.
func (i *Instance) enclosed(l *Letter) leads.Inquiry {
	inner := Parse(l.inner())
	inner.Files = nil // one letter deep: deeper ones are files like others
	in := i.inquiry(&inner, false)
	in.State, in.Automatic = "", false // an employee thought it worth passing on
	if l.Text != "" {
		in.Text = strings.TrimSpace(l.Text + "\n\n" + in.Text)
	}
	return in
}

// say is a text in the language of the connection.
func say(language, ru, en string) string {
	if language == "en" {
		return en
	}
	return ru
}
