package email

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"marshrut/leads"
	"marshrut/pipeline/delivery"
)

// KindLetter is the kind of deliveries that are letters: the action of route maps.
const KindLetter = "send-letter"

// ourID begins the Message-IDs of letters that the gateway sends.
const ourID = "marshrut."

//go:embed templates/*.txt
var shipped embed.FS

// Order is the payload of a delivery that is a letter: what the step of the route map says, and what the letter answers.
type Order struct {
	Params struct {
		Template string `json:"template"`
		To       string `json:"to"` // an address; empty: the client
		Subject  string `json:"subject"`
		Text     string `json:"text"` // instead of a template
	} `json:"params"`
	Values struct {
		Contact struct {
			Name  string `json:"name"`
			Email string `json:"email"`
		} `json:"contact"`
	} `json:"values"`
	Correspondence leads.Correspondence `json:"correspondence"`
}

// Carries reports whether the mailbox carries out deliveries of a kind that name no connection.
func (i *Instance) Carries(kind string) bool { return kind == KindLetter && i.settings.SMTP != "" }

// Compose makes the letter that a delivery orders: the same at every try. Its error is for good.
func (i *Instance) Compose(d delivery.Delivery) (leads.Letter, error) {
	letter, _, err := i.compose(d)
	return letter, err
}

func (i *Instance) compose(d delivery.Delivery) (leads.Letter, Order, error) {
	var order Order
	if err := json.Unmarshal(d.Payload, &order); err != nil {
		return leads.Letter{}, order, fmt.Errorf("read what is to be written: %w", err)
	}
	to, err := i.recipient(order)
	if err != nil {
		return leads.Letter{}, order, err
	}
	subject, text, err := i.text(order)
	if err != nil {
		return leads.Letter{}, order, err
	}
	if answered := order.Correspondence.Subject; answered != "" && len(order.Correspondence.Letters) > 0 {
		subject = answered // programs that show letters by their subjects keep it with what it answers
		if lower := strings.ToLower(answered); !strings.HasPrefix(lower, "re:") && !strings.HasPrefix(lower, "ответ:") {
			subject = "Re: " + answered
		}
	}
	return leads.Letter{MessageID: messageID(d.IdempotencyKey, i.settings.own()), From: i.settings.own(), To: to,
		Subject: printable(subject), Text: text}, order, nil
}

// messageID is the same for all tries of a delivery: who got the letter twice shows it once.
func messageID(key, from string) string {
	sum := sha256.Sum256([]byte(key))
	_, domain, _ := strings.Cut(from, "@")
	return ourID + hex.EncodeToString(sum[:16]) + "@" + domain
}

// recipient is who the letter goes to. Machines and ourselves never get one: two machines would write to each other for ever.
func (i *Instance) recipient(o Order) (string, error) {
	to := o.Params.To
	if !strings.Contains(to, "@") {
		to = cmp.Or(o.Correspondence.Address, o.Values.Contact.Email)
	}
	point, ok := leads.Email(to)
	switch {
	case !ok:
		return "", delivery.Needless{Err: i.refuse("у клиента нет адреса электронной почты", "the client has no e-mail address")}
	case isMachine(point.Value), i.settings.ours(point.Value):
		return "", i.refuse("адрес получателя принадлежит программе или нам самим", "the address belongs to a machine or to ourselves")
	}
	return point.Value, nil
}

func (i *Instance) refuse(ru, en string, args ...any) error {
	return fmt.Errorf(say(i.connection.Language, ru, en), args...)
}

// text gives the subject and the text of an order.
func (i *Instance) text(o Order) (subject, text string, err error) {
	body := o.Params.Text
	if body == "" {
		if body, err = i.template(o.Params.Template); err != nil {
			return "", "", err
		}
	}
	first, rest, _ := strings.Cut(strings.TrimLeft(body, "\r\n"), "\n")
	if key, value, ok := strings.Cut(first, ":"); ok && (strings.EqualFold(key, "тема") || strings.EqualFold(key, "subject")) {
		subject, body = strings.TrimSpace(value), rest
	}
	subject = cmp.Or(o.Params.Subject, subject)
	fill := i.filler(o)
	return cmp.Or(fill(subject), say(i.connection.Language, "Ваше обращение", "Your inquiry")), strings.TrimSpace(fill(body)) + "\n", nil
}

// template is one of the settings or of those that are shipped for the standard route maps.
func (i *Instance) template(name string) (string, error) {
	if text, ok := i.settings.Templates[name]; ok {
		return text, nil
	}
	language := say(i.connection.Language, "ru", "en")
	if text, err := fs.ReadFile(shipped, "templates/"+name+"."+language+".txt"); err == nil {
		return string(text), nil
	}
	known := slices.Sorted(maps.Keys(i.settings.Templates))
	entries, _ := fs.Glob(shipped, "templates/*."+language+".txt")
	for _, entry := range entries {
		known = append(known, strings.TrimSuffix(strings.TrimPrefix(entry, "templates/"), "."+language+".txt"))
	}
	return "", i.refuse("нет текста письма «%s»; есть %s: добавьте его в настройках почты", "there is no text %q, only %s: add it to the settings of the mailbox",
		name, strings.Join(known, ", "))
}

// filler puts the name and the subject in. Without a name the greeting does without one.
func (i *Instance) filler(o Order) func(string) string {
	name := leads.Fold(cmp.Or(o.Correspondence.Name, o.Values.Contact.Name))
	topic := o.Correspondence.Subject
	pairs := []string{"{тема}", topic, "{subject}", topic}
	if name == "" {
		pairs = append(pairs, ", {имя}", "", " {name}", "")
	}
	pairs = append(pairs, "{имя}", name, "{name}", name)
	return strings.NewReplacer(pairs...).Replace
}
