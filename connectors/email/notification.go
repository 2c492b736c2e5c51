package email

import (
	"regexp"
	"slices"
	"strings"

	"marshrut/leads"
)

// pair is a line of a notification: "Телефон: +7 912 000-00-01".
type pair struct{ key, value string }

// maxKey is how long the name of a field is at most; longer ones are sentences.
const maxKey = 80

var pairLine = regexp.MustCompile(`^[\s*•·-]*([^:\t]{1,160}?)\s*(?::\s|:$|\t+:?)\s*(.*)$`)

// fieldsOf reads "key: value" lines, rows of two cells and a value on the line below its key. A line that is neither goes
// on with the value before, as comments of several lines do.
func fieldsOf(text string) []pair {
	var found []pair
	open := -1 // the pair that further lines may belong to
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.Trim(line, "\r\n"))
		m := pairLine.FindStringSubmatch(line)
		switch {
		case line == "" || strings.Trim(line, "-=_*") == "":
			open = -1
		case m != nil && isKey(m[1]):
			found = append(found, pair{strings.Trim(m[1], " *«»\""), strings.TrimSpace(m[2])})
			open = len(found) - 1
		case open >= 0 && found[open].value != "" && formName.MatchString(found[open].key) && page.MatchString(line):
			found = append(found, pair{"page", line}) // sites write it below the form's name, without a key
			open = -1
		case open >= 0 && found[open].value == "":
			found[open].value = line
		case open >= 0 && len(found[open].value) < 64<<10:
			found[open].value += "\n" + line
		}
		if len(found) >= 300 {
			break
		}
	}
	return found
}

// isKey tells names of fields from sentences with a colon and from addresses.
func isKey(key string) bool {
	key = strings.Trim(key, " *")
	return key != "" && len([]rune(key)) <= maxKey && !scheme.MatchString(key) && !strings.HasPrefix(key, "#") &&
		strings.IndexFunc(key, isLetter) >= 0 && len(strings.Fields(key)) <= 10 && !clock.MatchString(key) && !orderLine.MatchString(key+":")
}

var (
	formName = regexp.MustCompile(`(?i)^(form name|название формы|форма)$`)
	page     = regexp.MustCompile(`(?i)^https?://\S+(\s+\(\S+\))?$`)
)

var (
	scheme    = regexp.MustCompile(`(?i)(https?|ftp|mailto|tel)$`)
	clock     = regexp.MustCompile(`\d{1,2}$`) // "в 10:30"
	orderLine = regexp.MustCompile(`^\d+\.\s`)
)

func isLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0x400 && r <= 0x52f
}

// label is what forms call the things that matter most. Only these are taken for keys where no colon says so.
var (
	label    = `(?:ваше )?имя|фио|ф\.?\s?и\.?\s?о\.?|клиент|контактное лицо|name|(?:контактный |номер )?телефона?|тел\.?|phone|e-?mail|почта|эл\.? ?почта|комментарий|сообщение|вопрос|компания|город|message|comment`
	lonely   = regexp.MustCompile(`(?i)^\s*(` + label + `)\s*$`)
	labelAnd = regexp.MustCompile(`(?i)^\s*(` + label + `)\s+[-–—=]\s+(\S.*)$`)
)

// labelled reads fields without colons: "Имя - Анна", and a name of a field with its value on the line below.
func labelled(text string) []pair {
	var found []pair
	key := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch m := labelAnd.FindStringSubmatch(line); {
		case line == "":
		case lonely.MatchString(line):
			key = line
		case m != nil:
			found, key = append(found, pair{m[1], m[2]}), ""
		case key != "":
			found, key = append(found, pair{key, line}), ""
		}
	}
	return found
}

// written is a phone as people write it: with its country, or with its trunk prefix and in groups. Numbers of orders and of
// taxpayers are neither.
var written = regexp.MustCompile(`(?:^|[^\d+])(\+7[\s(\-]*\d{3}[\s)\-]*\d{3}[\s-]?\d{2}[\s-]?\d{2}|8[\s\-]*(?:\(\d{3}\)\s*|\d{3}[\s\-]+)\d{3}[\s-]?\d{2}[\s-]?\d{2})(?:$|\D)`)

// writtenPhones finds the phones in a text.
func writtenPhones(text, region string) []leads.ContactPoint {
	var found []leads.ContactPoint
	for _, m := range written.FindAllStringSubmatch(text, 20) {
		if point, ok := leads.Phone(m[1], region); ok && !slices.ContainsFunc(found, func(p leads.ContactPoint) bool { return p.Value == point.Value }) {
			found = append(found, point)
		}
	}
	return found
}

var contactKey = regexp.MustCompile(`(?i)(^|[^a-zа-я])(тел|phone|номер телефона|mobile|моб|e-?mail|почта|эл\. ?почта|контакт)`)

// formLike reports a text that is a filled-in form, whoever sends it: most of its lines are fields, and one is a way to reach
// somebody. A letter of a person that names a phone is none.
func formLike(text string) bool {
	pairs := fieldsOf(text)
	if len(pairs) < 3 {
		return false
	}
	lines := 0
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			lines++
		}
	}
	return reaches(pairs) && 2*len(pairs) > lines
}

// reaches reports that a field names a way to reach somebody.
func reaches(pairs []pair) bool {
	return slices.ContainsFunc(pairs, func(p pair) bool { return p.value != "" && contactKey.MatchString(p.key) })
}

// submissionLine is the number that a site gave a submission: it names the form and the submission in it, the same in the
// web hook and in the letter.
var submissionLine = regexp.MustCompile(`(?im)^\s*(?:request id|transaction id|tranid|номер заявки|id заявки)\s*:\s*(\d{1,20}:\d{1,20})\s*$`)

// submissions are the names of the submissions that a notification tells of.
func submissions(text string) []string {
	var refs []string
	for _, m := range submissionLine.FindAllStringSubmatch(text, 5) {
		refs = append(refs, leads.SubmissionRef(m[1]))
	}
	return refs
}

var (
	itemLine  = regexp.MustCompile(`(?m)^\s*\d+\.\s+(.+?):\s+([\d\s.]+?)\s+\((\d+(?:[.,]\d+)?)(?:\s+\S+)?\s+x\s+([\d\s.]+)\)`)
	totalLine = regexp.MustCompile(`(?im)^\s*(?:payment amount|сумма(?: заказа| оплаты)?|итого)\s*:\s*([\d\s.,]+?)\s*([A-Z]{3}|руб\.?|р\.|₽)?\s*$`)
	orderName = regexp.MustCompile(`(?im)^\s*(?:order|заказ)\s*(?:#|№)\s*(\d+)\s*$`)
)

// order reads the lines of a cart: "1. Название: 159 (1 x 159)", the total and the number.
func (i *Instance) order(text string, in *leads.Inquiry) {
	for _, m := range itemLine.FindAllStringSubmatch(text, 200) {
		quantity, ok := leads.ParseAmount(m[3])
		if !ok {
			continue
		}
		item := leads.Item{Name: strings.TrimSuffix(m[1], ", pc"), Quantity: quantity}
		if sum, ok := leads.ParseAmount(m[2]); ok {
			item.Sum = &sum
		}
		if price, ok := leads.ParseAmount(m[4]); ok {
			item.Price = &price
		}
		in.Items = append(in.Items, item)
	}
	if len(in.Items) == 0 {
		return
	}
	if m := totalLine.FindStringSubmatch(text); m != nil {
		if amount, ok := leads.ParseAmount(m[1]); ok {
			in.Amount = &amount
		}
		if len(m[2]) == 3 && m[2] == strings.ToUpper(m[2]) {
			in.Currency = m[2]
		}
	}
	if m := orderName.FindStringSubmatch(text); m != nil {
		in.Subject = say(i.connection.Language, "Заказ № ", "Order No. ") + m[1]
	}
}
