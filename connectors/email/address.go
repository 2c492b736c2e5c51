package email

import (
	"regexp"
	"strings"

	"marshrut/leads"
)

// Address is a person or a machine in a header. Mail is in normal form, "" when there is none that could be written to.
type Address struct{ Name, Mail string }

var angle = regexp.MustCompile(`<([^<>]*)>`)

// addresses reads a list of addresses as leniently as people's programs write them: brackets and commas in names, no
// closing bracket, a comment instead of a name. What names nobody is left out.
func addresses(raw string) []Address {
	var found []Address
	for _, one := range splitAddresses(headerText(raw)) {
		if a := address(one); a != (Address{}) {
			found = append(found, a)
		}
	}
	return found
}

// splitAddresses splits at commas and semicolons that lie between addresses: a comma inside a name has none before it.
func splitAddresses(list string) []string {
	var parts []string
	begin, quoted := 0, false
	for i := 0; i < len(list) && len(parts) < 200; i++ {
		switch list[i] {
		case '"':
			quoted = !quoted
		case ',', ';':
			if !quoted && strings.Contains(list[begin:i], "@") {
				parts = append(parts, list[begin:i])
				begin = i + 1
			}
		}
	}
	return append(parts, list[begin:])
}

// withoutComments leaves out what RFC 5322 (3.2.2) calls comments: "(отдел) Имя <a(b)@c>".
func withoutComments(s string) string {
	var out strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '(':
			depth++
		case r == ')' && depth > 0:
			depth--
		case depth == 0 && r != ')':
			out.WriteRune(r)
		}
	}
	return out.String()
}

// group is what RFC 5322 (3.4) puts before several addresses: "Отдел: a@b, c@d;".
var group = regexp.MustCompile(`^\s*[^:@<>"\[\]]*:(\s|;|$|[^\s:/]*@)`)

func address(one string) Address {
	if g := group.FindString(one); g != "" {
		one = one[strings.IndexByte(one, ':')+1:]
	}
	name := one
	mail := one
	if m := angle.FindAllStringIndex(one, -1); m != nil {
		last := m[len(m)-1]
		name, mail = one[:m[0][0]], one[last[0]:last[1]]
	} else if at := strings.IndexByte(one, '<'); at >= 0 {
		name, mail = one[:at], one[at:]
	}
	point, ok := leads.Email(mail)
	if !ok {
		point, ok = leads.Email(one)
	}
	if bare := withoutComments(one); !ok && bare != one {
		return address(bare)
	}
	if name == mail {
		name = strings.Replace(name, point.Written, "", 1)
	}
	name = strings.Trim(strings.TrimSpace(strings.ReplaceAll(name, `\"`, `"`)), `"'()<>,; `)
	if strings.EqualFold(name, point.Value) {
		name = ""
	}
	return Address{Name: headerText(leads.Fold(name)), Mail: point.Value}
}

func first(list []Address) Address {
	for _, a := range list {
		if a.Mail != "" {
			return a
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return Address{}
}

// machine are local parts of addresses behind which nobody reads.
var machine = regexp.MustCompile(`^(no[._-]?reply|do[._-]?not[._-]?reply|robot|bot|mailer([._-]?daemon)?|daemon|postmaster|notif(y|ications?)|auto(mail|responder)?|wordpress|bounces?|alerts?|system|root|www-data|apache|nginx|bitrix|info-robot)([._+-].*)?$`)

// isMachine reports an address that is no person's.
func isMachine(mail string) bool {
	local, _, _ := strings.Cut(mail, "@")
	return machine.MatchString(local)
}
