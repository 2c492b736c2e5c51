package exchange

import (
	"errors"
	"fmt"

	"marshrut/internal/postgres"
	"marshrut/leads"
	"marshrut/processes/engine"
)

// texts are what administrators read of changes that could not be taken over.
type texts struct {
	noMirror, taken, unfit, closed, misfit string
	fields                                 map[string]string
}

var inLanguage = map[string]texts{
	"ru": {
		noMirror: "Подключение «%s» выключено или удалено, отправлять некуда.",
		taken:    "%s с другой стороны принадлежит здесь другому контакту. Объедините контакты или исправьте значение там и повторите отправку.",
		unfit:    "Правка с другой стороны не подходит: %s. Исправьте её там и повторите отправку.",
		closed:   "Правка с другой стороны не подходит к тому, в каком состоянии лид здесь. Приведите их к одному и повторите отправку.",
		misfit:   "Правка с другой стороны содержит значение, которое здесь не хранится. Исправьте её там и повторите отправку.",
		fields:   map[string]string{"phone": "Телефон", "email": "Почта"},
	},
	"en": {
		noMirror: "Connection %q is switched off or removed, there is nowhere to send to.",
		taken:    "%s of the other side belongs to another contact here. Merge the contacts, or correct the value there, and send again.",
		unfit:    "A change of the other side does not fit: %s. Correct it there and send again.",
		closed:   "A change of the other side does not fit the state of the lead here. Bring them together and send again.",
		misfit:   "A change of the other side holds a value that cannot be kept here. Correct it there and send again.",
		fields:   map[string]string{"phone": "The phone", "email": "The e-mail"},
	},
}

func (x *Exchange) say() texts {
	if t, ok := inLanguage[x.Language]; ok {
		return t
	}
	return inLanguage["ru"]
}

// taken is a phone or an e-mail of theirs that is somebody else's here.
type taken struct{ field string }

func (t *taken) Error() string { return t.field + " of the other side belongs to another contact" }

// unfit says a change of theirs that cannot be taken over, whatever is tried, in words; "" of another error.
func (x *Exchange) unfit(err error) string {
	say := x.say()
	var point *taken
	var refusal *engine.Refusal
	var invalid *leads.Invalid
	switch {
	case errors.As(err, &point):
		return fmt.Sprintf(say.taken, say.fields[point.field])
	case errors.As(err, &refusal):
		return fmt.Sprintf(say.unfit, refused(refusal, x.Language))
	case errors.As(err, &invalid):
		return fmt.Sprintf(say.unfit, invalid.In(x.Language))
	case errors.Is(err, leads.ErrConflict):
		return say.closed
	case errors.Is(err, leads.ErrInvalid), postgres.Classify(err) == postgres.Data:
		return say.misfit
	}
	return ""
}

func refused(r *engine.Refusal, language string) string {
	if language == "en" {
		return r.MessageEn
	}
	return r.Message
}
