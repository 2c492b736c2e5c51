package webform

import (
	"cmp"
	"net/url"
	"path"
	"slices"
	"strings"

	"marshrut/connectors"
	"marshrut/leads"
)

// reader goes through the fields of one form and collects what they mean.
type reader struct {
	settings Settings
	region   string
	mapping  map[string]string // by the folded path of the key
	came     attribution
	found    map[string][]finding
	boxes    []Field
	cookies  []string
	test     bool
	in       *leads.Inquiry
}

// finding is a field that was recognised.
type finding struct {
	value string
	label string
	sure  int
	index int // in the inquiry's Fields
}

// understand turns a form into an inquiry. It always gives one; whether there is
// anything in it is the caller's question.
func understand(f Form, r connectors.Request, c connectors.Connection, s Settings) leads.Inquiry {
	in := leads.Inquiry{Product: s.Product, Direction: leads.DirectionIn}
	rd := reader{settings: s, region: c.Region, mapping: map[string]string{}, found: map[string][]finding{}, in: &in}
	for key, target := range s.Mapping {
		rd.mapping[pathKey(parsePath(key))] = target
	}
	for _, field := range f.Fields {
		rd.take(field)
	}
	rd.byShape()
	rd.formName(f)
	rd.name()
	rd.points(f.Text)
	rd.texts(f.Text)
	rd.money()
	in.Items = items(f)
	in.Files = append(slices.Clone(r.Files), links(f)...)
	for _, cookies := range rd.cookies {
		rd.came.cookies(cookies)
	}
	in.Attribution = rd.came.finish(r)
	in.Consent = consent(rd.boxes, s.ConsentText)
	if rd.test {
		in.State = leads.StateTest
	}
	if s.Honeypot != "" && f.Get(s.Honeypot) != "" {
		in.State = leads.StateSpam
	}
	return in
}

func pathKey(path []string) string {
	return strings.ToLower(strings.Join(path, "."))
}

// take notes one field and what its name says.
func (rd *reader) take(f Field) {
	if rd.repeated(f) {
		return
	}
	known, sure := rd.known(f)
	if known == KnownIgnore && sure < 3 {
		return // tokens of captchas and the like: nobody wants to see them, the original has them
	}
	if known == knownCookies {
		rd.cookies = append(rd.cookies, f.Value)
		return
	}
	rd.in.Fields = append(rd.in.Fields, leads.Field{Key: f.Key, Label: f.Label, Value: f.Value, Known: known})
	index := len(rd.in.Fields) - 1
	switch {
	case known == KnownConsent:
		rd.boxes = append(rd.boxes, f)
	case known == knownTest:
		rd.test = rd.test || answer(f.Value) == consentYes || strings.EqualFold(f.Value, "test")
		if !rd.test {
			rd.in.Fields[index].Known = ""
		}
	case strings.HasPrefix(known, ownField):
		rd.own(strings.TrimPrefix(known, ownField), f.Value)
	case known == knownUTM, known == knownClickID, known == knownService, known == knownItem, known == KnownIgnore, known == knownShape:
	case f.Value != "":
		rd.found[known] = append(rd.found[known], finding{value: f.Value, label: cmp.Or(f.Label, f.Key), sure: sure, index: index})
	}
}

// repeated folds a key that came before into one field to show: "1, 2". Consents
// are not folded, there the last word counts.
func (rd *reader) repeated(f Field) bool {
	for i := range rd.in.Fields {
		before := &rd.in.Fields[i]
		if before.Key != f.Key || before.Known != knownShape && before.Known != KnownProduct {
			continue
		}
		if f.Value != "" && !slices.Contains(strings.Split(before.Value, ", "), f.Value) {
			before.Value = strings.TrimPrefix(before.Value+", "+f.Value, ", ")
		}
		return true
	}
	return false
}

// known says what a field is: by the mapping (3), by attribution, by its name or its label (2, 1).
func (rd *reader) known(f Field) (string, int) {
	if target, ok := rd.mapping[pathKey(f.Path)]; ok {
		return target, 3
	}
	if target, ok := rd.mapping[strings.ToLower(f.Label)]; ok && f.Label != "" {
		return target, 3
	}
	if slices.ContainsFunc(rd.settings.Consent, func(key string) bool { return pathKey(parsePath(key)) == pathKey(f.Path) }) {
		return KnownConsent, 3
	}
	if known, ok := rd.came.field(f); ok {
		return known, 2
	}
	known, sure := nameInPath(f)
	if f.Label != "" && sure < 2 {
		if k, s := knownByName(f.Label); s > sure {
			known, sure = k, s
		}
	}
	if !fits(known, f.Value) {
		return knownShape, 0
	}
	rd.context(known, f.Value)
	return known, sure
}

// nameInPath tries the last two parts of a key together, form[title] is no post,
// then the last alone. Lines of an order are things, whatever their fields are called.
func nameInPath(f Field) (string, int) {
	name := f.Name()
	if len(f.Path) < 2 {
		return knownByName(name)
	}
	group := strings.ToLower(f.Path[0])
	switch {
	case inCart(f):
		return knownItem, 2
	case group == "cookies":
		return knownService, 2
	}
	if i := slices.Index(f.Path, name); i > 0 {
		parent := f.Path[i-1]
		if isNumber(parent) && i > 1 {
			parent = f.Path[i-2]
		}
		if strings.EqualFold(parent, "form") && strings.EqualFold(name, "name") {
			return knownFormName, 2
		}
		if known, sure := knownByName(parent + " " + name); sure == 2 {
			return known, sure
		}
	}
	known, sure := knownByName(name)
	if group == "payment" && known != KnownAmount {
		return knownService, 2
	}
	return known, sure
}

// context notes what fields say of the visit.
func (rd *reader) context(known, value string) {
	slot := map[string]*string{
		knownPage: &rd.came.Page, knownLanding: &rd.came.Landing, knownReferrer: &rd.came.Referrer,
		knownIP: &rd.came.IP, knownUserAgent: &rd.came.UserAgent,
	}[known]
	if slot != nil && *slot == "" {
		*slot = cut(value, 2000)
	}
}

// fits refuses a value that cannot be what the name promises: a phone without
// digits, a consent in a sentence of its own.
func fits(known, value string) bool {
	switch known {
	case KnownPhone, KnownWhatsApp:
		return value == "" || countDigits(value) >= 5 || strings.HasPrefix(value, "{")
	case KnownEmail:
		return value == "" || strings.ContainsRune(value, '@')
	case knownPage, knownLanding:
		return strings.Contains(value, "/") || strings.Contains(value, ".")
	case KnownAmount:
		return countDigits(value) > 0
	case KnownName, KnownFirst, KnownLast, KnownPatronymic:
		return len(value) <= 300
	}
	return true
}

func (rd *reader) own(key, value string) {
	if value == "" {
		return
	}
	if rd.in.LeadFields == nil {
		rd.in.LeadFields = map[string]string{}
	}
	if rd.in.LeadFields[key] == "" {
		rd.in.LeadFields[key] = value
	}
}

// best gives the surest finding of a kind, the first among equals.
func (rd *reader) best(known string) string {
	best := finding{sure: -1}
	for _, f := range rd.found[known] {
		if f.sure > best.sure {
			best = f
		}
	}
	return best.value
}

// texts fills the fields that are taken as written.
func (rd *reader) texts(free string) {
	var lines []string
	for _, f := range rd.found[KnownText] {
		if !slices.Contains(lines, f.value) {
			lines = append(lines, f.value)
		}
	}
	if free != "" {
		lines = append(lines, free)
	}
	rd.in.Text = strings.Join(lines, "\n")
	rd.in.Company = leads.Fold(rd.best(KnownCompany))
	rd.in.INN = strings.TrimSpace(rd.best(KnownINN))
	rd.in.City = leads.Fold(rd.best(KnownCity))
	rd.in.Subject = leads.Fold(rd.best(KnownSubject))
	if product := leads.Fold(rd.best(KnownProduct)); product != "" {
		rd.in.Product = product
	}
}

func (rd *reader) money() {
	amount, currency, ok := leads.ParseMoney(rd.best(KnownAmount))
	if !ok || amount.IsZero() || !amount.Money() {
		return
	}
	rd.in.Amount, rd.in.Currency = &amount, currency
}

// links are files that the sender keeps and names by their address.
func links(f Form) []leads.File {
	var files []leads.File
	for _, field := range f.Fields {
		name := strings.ToLower(field.Name())
		if !strings.Contains(name, "file") && !strings.Contains(name, "файл") || len(files) >= 20 {
			continue
		}
		u, err := url.Parse(field.Value)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			continue
		}
		files = append(files, leads.File{Name: cmp.Or(path.Base(u.Path), u.Host), URL: field.Value})
	}
	return files
}

// Understand reads fields that came by another way than HTTP, like a form's notification by mail.
func Understand(f Form, c connectors.Connection, s Settings) leads.Inquiry {
	return understand(f, connectors.Request{}, c, s)
}
