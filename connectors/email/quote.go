package email

import (
	"regexp"
	"strings"
)

// Fold parts what the writer says from what is below it: the letter that is answered, and the signature. The parts put
// together are the whole text; visible is never empty unless that is. A letter that was passed on is not
// folded at the letter it passes on: that is what it is about.
func Fold(text string, quote int) (visible, folded string) {
	lines := strings.SplitAfter(text, "\n")
	end := len(lines)
	if quote > 0 && quote < len(text) && !forwards(text) {
		end = min(end, 1+strings.Count(text[:quote], "\n"))
	}
	end = min(end, quoteBegins(lines[:signatureBegins(lines)])) // many programs put the signature below the quote
	end = signatureBegins(lines[:end])
	if blank(lines[:end]) {
		return strings.TrimSpace(text), ""
	}
	return strings.TrimSpace(strings.Join(lines[:end], "")), strings.TrimSpace(strings.Join(lines[end:], ""))
}

func blank(lines []string) bool { return strings.TrimSpace(strings.Join(lines, "")) == "" }

const (
	weekday = `(?:пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|нд|понеділок|вівторок|середа|четвер|п.ятниця|субота|неділя)`
	someone = `[^\n]*?[^\s<>@]+@[^\s<>@]+`
)

// attributions are the lines that mail programs put before the letter that is answered: of Gmail, Yandex, Mail.ru,
// Outlook, Thunderbird and Apple Mail in Russian, Ukrainian, English and German. Long ones are broken in two.
var attributions = regexp.MustCompile(`(?i)^[\s>]*(?:` + strings.Join([]string{
	weekday + `\.?,?\s+\d{1,2}\s+\S+\s+\d{4}[^\n]*\d{1,2}:\d{2}[^\n]*[:>]`,
	weekday + `\.?,?\s+\d{1,2}\s+\S+\s+\d{4}[^\n]*(?:от|від)\s+` + someone + `[^\n]*:?`,
	`\d{1,2}[./]\d{1,2}[./]\d{2,4},?\s+(?:в\s+)?\d{1,2}:\d{2}(?::\d{2})?,?\s[^\n]*(?:написал(?:\(а\)|а)?|пишет|пише|написав|wrote):?`,
	`\d{1,2}[./]\d{1,2}[./]\d{2,4},?\s+(?:в\s+)?\d{1,2}:\d{2}(?::\d{2})?,?\s` + someone + `[^\n]*:`,
	`\d{1,2}\s+\S+\s+\d{4}\s*(?:г\.)?,?\s+(?:в\s+)?\d{1,2}:\d{2}[^\n]*(?:написал(?:\(а\)|а)?|пишет|пише|wrote)[^\n]*:`,
	`\d{4}-\d{2}-\d{2}\s+\d{1,2}:\d{2}[^\n]*` + someone + `[^\n]*:`,
	`(?:` + weekday + `\.?,?\s+)?\d{1,2}\s+\S+\s+\d{4}\s*(?:г\.|р\.)?[^\n]*(?:написал(?:\(а\)|а)?|пишет|пише|написав)[^\n]*:`,
	`on\s[^\n]*\d[^\n]*wrote\s*:`,
	`am\s[^\n]*\d[^\n]*schrieb[^\n]*:`,
	`(?:вы|ви)\s+писали\s[^\n]*:`,
	`[^\n]*(?:написал(?:\(а\)|а)?|пишет)\s+\d{1,2}[^\n]*:`,
}, "|") + `)\s*$`)

var (
	original  = regexp.MustCompile(`(?i)^[\s>]*[-_=]{2,}\s*(исходное сообщение|первоначальное сообщение|original message|оригінальне повідомлення|ursprüngliche nachricht|original appointment)`)
	forwarded = regexp.MustCompile(`(?im)^[\s>]*(?:[-_=*]{2,}\s*)?(пересылаемое сообщение|пересланное сообщение|перенаправленное сообщение|forwarded message|пересланное письмо|начало переадресованного|begin forwarded message|конец пересылаемого|end of forwarded)`)
	blockLine = regexp.MustCompile(`(?i)^[\s>*]*(от кого|от|кому|копия|отправлено|дата|тема|from|to|cc|sent|date|subject|von|gesendet|an|betreff)\s?\*?:`)
	ruler     = regexp.MustCompile(`^[\s>]*_{10,}\s*$`)
)

func forwards(text string) bool { return forwarded.MatchString(text) }

var writer = regexp.MustCompile(`(?i)^[\s>*]*(?:от кого|от|from|von)\s?\*?:\*?\s*(.+)$`)

// passedOn is who wrote the letter that a text passes on; nobody when it passes none on.
func passedOn(text string) Address {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		m := writer.FindStringSubmatch(strings.TrimRight(line, "\r"))
		if m == nil {
			continue
		}
		if a := first(addresses(m[1])); a.Mail != "" && (headerBlock(lines[i:]) || i > 0 && forwards(strings.Join(lines[max(0, i-3):i], "\n"))) {
			return a
		}
	}
	return Address{}
}

// quoteBegins finds the first line of the letter that is answered; the number of lines when there is none.
func quoteBegins(lines []string) int {
	for i, line := range lines {
		switch {
		case forwarded.MatchString(line):
			return len(lines)
		case original.MatchString(line), headerBlock(lines[i:]):
			return i
		case ruler.MatchString(line) && i+1 < len(lines) && headerBlock(lines[i+1:]):
			return i
		case attribution(lines, i):
			if answersInside(lines[i+1:]) {
				return len(lines)
			}
			return i
		}
	}
	return trailingQuote(lines)
}

// attribution is one line, or one that was broken.
func attribution(lines []string, i int) bool {
	if len(lines[i]) > 500 {
		return false
	}
	line := strings.TrimRight(lines[i], "\r\n")
	if attributions.MatchString(line) {
		return true
	}
	if strings.TrimSpace(line) == "" || i+1 >= len(lines) || len(lines[i+1]) > 300 || i > 0 && strings.TrimSpace(lines[i-1]) != "" {
		return false
	}
	return attributions.MatchString(line + " " + strings.TrimSpace(lines[i+1]))
}

// headerBlock is how Outlook begins the letter that is answered: three lines of its header at least.
func headerBlock(lines []string) bool {
	if !blockLine.MatchString(lines[0]) {
		return false
	}
	n := 0
	for _, line := range lines[:min(len(lines), 7)] {
		if blockLine.MatchString(line) {
			n++
		}
	}
	return n >= 3
}

// answersInside reports that the writer answers between the quoted lines: then nothing can be folded.
func answersInside(lines []string) bool {
	quoted := false
	for _, line := range lines {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, ">") {
			quoted = true
		} else if quoted && text != "" && text != "--" {
			return true
		}
	}
	return false
}

// trailingQuote finds the block of lines with > at the end.
func trailingQuote(lines []string) int {
	end := len(lines)
	for end > 0 && strings.TrimSpace(lines[end-1]) == "" {
		end--
	}
	begin := end
	for begin > 0 && (strings.HasPrefix(strings.TrimSpace(lines[begin-1]), ">") || strings.TrimSpace(lines[begin-1]) == "") {
		begin--
	}
	for begin < end && strings.TrimSpace(lines[begin]) == "" {
		begin++
	}
	if begin == end {
		return len(lines)
	}
	return begin
}

var (
	dashes  = regexp.MustCompile(`^(--|—|––)\s*$`)
	devices = regexp.MustCompile(`(?i)^\s*(отправлено (с|из) |надіслано з |envoyé (depuis|de) mon |sent from my |sent from (outlook|mail|yahoo)|get outlook for |von meinem .* gesendet|отправлено через )`)
	regards = regexp.MustCompile(`(?i)^\s*(с уважением|с наилучшими пожеланиями|всего доброго|з повагою|best regards|kind regards|regards|mit freundlichen)[\s,.!]*`)
)

// signatureBegins finds the signature at the end: behind two dashes, of a telephone, or the last lines from the regards on.
func signatureBegins(lines []string) int {
	for i := len(lines) - 1; i >= 0 && i >= len(lines)-25; i-- {
		line := strings.TrimRight(lines[i], "\r\n")
		if dashes.MatchString(line) || devices.MatchString(line) && len(line) < 200 {
			return signatureBegins(lines[:i])
		}
	}
	for i := max(0, len(lines)-12); i < len(lines); i++ {
		if regards.MatchString(lines[i]) && len(lines[i]) < 120 {
			return i
		}
	}
	return len(lines)
}
