package email

import (
	"regexp"
	"slices"
	"strings"
)

// Kind is what sort of letter it is.
type Kind string

// The kinds of letters.
const (
	Human        Kind = "human"
	Notification Kind = "notification" // a machine tells of somebody: a form, an aggregator
	Newsletter   Kind = "newsletter"   // sent to many, about nobody
	AutoReply    Kind = "auto-reply"   // an answering machine
	Bounce       Kind = "bounce"       // a letter of ours did not arrive
	Delay        Kind = "delay"        // a letter of ours has not arrived yet
)

// Classify tells the kind by what the letter says of itself. That it was made by a machine (auto-generated, bulk, a list)
// is no reason to pass over it: the notifications of forms are exactly so.
func Classify(l Letter) Kind {
	switch {
	case l.isBounce():
		if l.delayed() {
			return Delay
		}
		return Bounce
	case l.isAutoReply():
		return AutoReply
	case formLike(l.Text), l.fromMachine() && (!l.toMany() || reaches(fieldsOf(l.Text))):
		return Notification
	case l.toMany():
		return Newsletter
	}
	return Human
}

var (
	daemon      = regexp.MustCompile(`^(mailer-daemon|postmaster|mail-daemon|mailerdaemon)@`)
	undelivered = regexp.MustCompile(`(?i)(undeliver|not delivered|delivery (status|fail|has failed|problem)|mail failure|returned mail|failure notice|недостав|не доставлен|не может быть доставлен|возврат)`)
	action      = regexp.MustCompile(`(?im)^action:\s*(\w+)`)
	status      = regexp.MustCompile(`(?im)^status:\s*([245])\.`)
)

// isBounce: a report on a delivery says so; without one it takes a machine as the sender. A postmaster who
// writes himself is a person.
func (l *Letter) isBounce() bool {
	if l.get("X-Failed-Recipients") != "" {
		return true
	}
	if l.kind == "multipart/report" && slices.ContainsFunc(l.reports, func(r string) bool { return action.MatchString(r) || status.MatchString(r) }) {
		return true
	}
	nobody := strings.ReplaceAll(l.get("Return-Path"), " ", "") == "<>"
	return (daemon.MatchString(l.From.Mail) || nobody && l.From.Mail == "" || strings.HasPrefix(strings.ToLower(l.get("From")), "mailer-daemon")) &&
		(nobody || strings.HasPrefix(strings.ToLower(l.get("Auto-Submitted")), "auto-") || undelivered.MatchString(l.Subject)) &&
		(undelivered.MatchString(l.Subject) || undelivered.MatchString(l.Text))
}

// delayed reports that every recipient it tells of may still get the letter.
func (l *Letter) delayed() bool {
	found := false
	for _, report := range l.reports {
		for _, m := range action.FindAllStringSubmatch(report, 50) {
			if !strings.EqualFold(m[1], "delayed") {
				return false
			}
			found = true
		}
	}
	return found
}

var (
	awaySubject = regexp.MustCompile(`(?i)^\s*(automatic reply|auto(matic)?[- ]?repl(y|ied)|autoreply|out of office|abwesenheit|автоответ|автоматический ответ|вне офиса|нет на месте|я в отпуске|відповідь автовідповідача)`)
	awayHeaders = []string{"X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Mail-Autoreply", "X-Autoreply-From", "X-Auto-Reply-From", "X-Vacation"}
)

// isAutoReply is narrow on purpose: Auto-Submitted has to say replied, not merely generated.
func (l *Letter) isAutoReply() bool {
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(l.get("Auto-Submitted"))), "auto-replied") ||
		strings.EqualFold(l.get("Precedence"), "auto_reply") || strings.EqualFold(l.get("X-Apple-Action"), "VACATION") {
		return true
	}
	for _, name := range awayHeaders {
		if value := l.get(name); value != "" && !strings.EqualFold(value, "no") {
			return true
		}
	}
	return awaySubject.MatchString(l.Subject)
}

func (l *Letter) fromMachine() bool {
	return isMachine(l.From.Mail) || strings.HasPrefix(strings.ToLower(l.get("Auto-Submitted")), "auto-generated")
}

func (l *Letter) toMany() bool {
	precedence := strings.ToLower(l.get("Precedence"))
	return l.get("List-Id") != "" || l.get("List-Unsubscribe") != "" || precedence == "bulk" || precedence == "list" || precedence == "junk"
}

// returned are the Message-IDs inside a letter that came back: of the letter of ours that it is about.
func (l *Letter) returned() []string {
	_, body := splitHeader(l.raw)
	var ids []string
	for _, m := range returnedID.FindAllSubmatch(body, 10) {
		if id := string(m[1]); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

var returnedID = regexp.MustCompile(`(?im)^[ \t>]*(?:message-id|in-reply-to|x-original-message-id):\s*<([^<>\s]+)>`)

var failedRecipient = regexp.MustCompile(`(?im)^(?:final|original)-recipient:\s*rfc822;\s*<?([^\s<>]+)`)

// failed are the recipients a bounce is about.
func (l *Letter) failed() []string {
	var found []string
	add := func(list []Address) {
		for _, a := range list {
			if a.Mail != "" && !slices.Contains(found, a.Mail) {
				found = append(found, a.Mail)
			}
		}
	}
	add(addresses(l.get("X-Failed-Recipients")))
	for _, report := range l.reports {
		for _, m := range failedRecipient.FindAllStringSubmatch(report, 20) {
			add(addresses(m[1]))
		}
	}
	return found
}
