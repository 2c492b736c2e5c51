package exchange

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"marshrut/leads"
	"marshrut/pipeline/delivery"
	"marshrut/processes/engine"
)

func TestWhatCannotBeTakenOverIsSaidInOneLanguage(t *testing.T) {
	latin, cyrillic := regexp.MustCompile(`[A-Za-z]`), regexp.MustCompile(`\p{Cyrillic}`)
	for name, c := range map[string]struct {
		err    error
		ru, en string
	}{
		"a phone of another": {&taken{"phone"}, "Телефон с другой стороны", "The phone of the other side"},
		"an e-mail likewise": {&taken{"email"}, "Почта с другой стороны", "The e-mail of the other side"},
		"a closed lead":      {leads.ErrConflict, "в каком состоянии лид", "the state of the lead"},
		"a tax number":       {fmt.Errorf("client 7: %q is no INN: %w", "12", leads.ErrInvalid), "которое здесь не хранится", "cannot be kept here"},
		"in words":           {leads.NotValid("сумма отрицательная", "a negative amount"), "не подходит: сумма отрицательная", "does not fit: a negative amount"},
		"a refusal":          {&engine.Refusal{Kind: engine.ErrInvalidValue, Message: "Нет такого этапа", MessageEn: "No such stage"}, "Нет такого этапа", "No such stage"},
	} {
		for language, want := range map[string]string{"ru": c.ru, "en": c.en} {
			x := New(Options{Language: language})
			err := x.forWorker(fmt.Errorf("take: %w", c.err))
			if !errors.As(err, new(delivery.Permanent)) || !errors.Is(err, c.err) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %s: %v", name, language, err)
			}
			if foreign := map[string]*regexp.Regexp{"ru": latin, "en": cyrillic}[language]; foreign.MatchString(err.Error()) {
				t.Errorf("%s mixes languages: %v", name, err)
			}
		}
	}
}
