package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// player is an employee at work: how soon they come to a task, how they end it, what they write down.
type player struct {
	employee
	api       *client
	random    *rand.Rand
	phone     *exchange
	extension string
}

// delays is how long an average person takes to come to a task, by its title's element; what is not here takes two hours.
var delays = map[string]time.Duration{
	"Связаться с клиентом":          25 * time.Minute,
	"Перезвонить":                   15 * time.Minute,
	"Квалифицировать":               3 * time.Hour,
	"Подготовить предложение":       5 * time.Hour,
	"Согласовать скидку":            2 * time.Hour,
	"Отправить предложение":         time.Hour,
	"Получить решение":              30 * time.Hour,
	"Подтвердить отказ или вернуть": 4 * time.Hour,
	"Оформить договор и счёт":       8 * time.Hour,
	"Дождаться оплаты":              40 * time.Hour,
}

// plan says when the person will do the task. One in twenty-five is put off for days, as it happens. What has been agreed
// with the client for a day far off is done about that day.
func (p *player) plan(t task, now time.Time) time.Time {
	delay, ok := delays[t.Title]
	if !ok {
		delay = 2 * time.Hour
	}
	if agreed := t.DueAt.Sub(now); agreed > 2*24*time.Hour {
		return now.Add(time.Duration(float64(agreed) * (0.8 + 0.3*p.random.Float64()*p.pace)))
	}
	spread := 0.35 + 1.3*p.random.Float64()
	if p.random.IntN(25) == 0 {
		spread += 20
	}
	return now.Add(time.Duration(float64(delay) * p.pace * spread))
}

// ways are the chances of each outcome, in per cent, by its id; an outcome that is not here gets ten. Those that agree are
// likelier for somebody with luck.
var ways = map[string]int{
	"talked": 62, "no_answer": 22, "later": 9, "junk": 7,
	"target": 72, "postponed": 8, "lost": 14,
	"ready": 90, "yes": 60, "no": 20, "other": 20, "sent": 94,
	"agreed": 46, "rework": 10, "thinking": 14,
	"confirm": 70, "return": 15, "pass": 15, "transfer": 15,
	"signed": 88, "done": 88, "paid": 85, "wait": 40,
	"interest": 55, "current": 15, "not_sales": 12, "spam": 5,
}

// late are the tasks of leads that have come far.
var late = map[string]bool{"Подготовить предложение": true, "Отправить предложение": true, "Оформить договор и счёт": true, "Дождаться оплаты": true}

var lucky = []string{"talked", "target", "agreed", "ready", "sent", "signed", "done", "paid"}

func (p *player) choose(t task) string {
	total := 0
	weights := make([]int, len(t.Outcomes))
	for i, outcome := range t.Outcomes {
		weight, ok := ways[outcome.ID]
		if !ok {
			weight = 10
		}
		if outcome.ID == "lost" && late[t.Title] {
			weight /= 4 // who has come so far seldom leaves
		}
		if slices.Contains(lucky, outcome.ID) {
			weight = int(float64(weight) * p.luck)
		}
		weights[i] = weight
		total += weight
	}
	left := p.random.IntN(max(1, total))
	for i, weight := range weights {
		if left -= weight; left < 0 {
			return t.Outcomes[i].ID
		}
	}
	return ""
}

// do works a task to its end: the steps that its outcome needs, in their order, then the outcome.
func (p *player) do(ctx context.Context, t task, now time.Time) error {
	if err := p.api.call(ctx, http.MethodGet, "/api/v1/tasks/"+t.ID, nil, &t); err != nil {
		return err
	}
	if t.Assignee == "" {
		if err := p.api.call(ctx, http.MethodPost, "/api/v1/tasks/"+t.ID+"/assign", map[string]string{"assignee": p.login}, nil); err != nil {
			return err
		}
		if err := p.api.call(ctx, http.MethodGet, "/api/v1/tasks/"+t.ID, nil, &t); err != nil {
			return err
		}
	}
	outcome := p.choose(t)
	if outcome == "" || t.Status != "open" {
		return nil
	}
	done := map[string]bool{}
	for {
		next, ok := nextStep(t, outcome, done)
		if !ok {
			break
		}
		done[next.ID] = true
		if err := p.step(ctx, &t, next, outcome, now); err != nil {
			return fmt.Errorf("step %s for %s: %w", next.ID, outcome, err)
		}
	}
	ending := map[string]any{"outcome": outcome, "comment": "", "revision": t.Revision}
	return p.api.call(ctx, http.MethodPost, "/api/v1/tasks/"+t.ID+"/complete", ending, nil)
}

// nextStep is the first one not done that the outcome needs.
func nextStep(t task, outcome string, tried map[string]bool) (taskStep, bool) {
	for _, s := range t.Steps {
		if !s.Done && !tried[s.ID] && (s.Required || slices.Contains(s.RequiredFor, outcome)) {
			return s, true
		}
	}
	return taskStep{}, false
}

func (p *player) step(ctx context.Context, t *task, s taskStep, outcome string, now time.Time) error {
	if s.Kind == "call" || s.Kind == "message" {
		if err := p.contact(ctx, t, s.Kind, outcome, now); err != nil {
			return err
		}
	}
	fresh := task{}
	if err := p.api.call(ctx, http.MethodPost, "/api/v1/tasks/"+t.ID+"/steps/"+s.ID, map[string]any{"value": p.value(s, now)}, &fresh); err != nil {
		return err
	}
	if fresh.ID != "" {
		*t = fresh
	}
	return nil
}

// contact records a call or a message to the client, which is the evidence of such steps. Who calls back somebody that
// was missed does so by the exchange: that there was a call is known without writing it down, and a talk ends the task by itself.
func (p *player) contact(ctx context.Context, t *task, kind, outcome string, now time.Time) error {
	answered := outcome != "no_answer"
	if kind == "call" && t.Title == "Перезвонить" {
		if number, err := p.numberOf(ctx, t.Lead); err != nil || number != "" {
			return errors.Join(err, p.callBack(ctx, number, answered, now))
		}
	}
	contact := map[string]any{"kind": "call", "direction": "out", "answered": answered, "text": pick(p.random, []string{"Обсудили задачу и сроки", "Договорились о следующем шаге", "Уточнили размеры и адрес"})}
	switch {
	case kind == "message":
		contact = map[string]any{"kind": "letter", "direction": "out", "subject": "Предложение", "text": "Отправили предложение с расчётом"}
	case answered:
		contact["seconds"] = 40 + p.random.IntN(400)
	default:
		contact["text"] = "Не отвечает"
	}
	return p.api.call(ctx, http.MethodPost, "/api/v1/leads/"+t.Lead+"/interactions", contact, nil)
}

// numberOf is the client's first phone, as the exchange writes it; "" if there is none.
func (p *player) numberOf(ctx context.Context, lead string) (string, error) {
	var view struct {
		Contact *struct{ Phones []string }
	}
	if err := p.api.call(ctx, http.MethodGet, "/api/v1/leads/"+lead, nil, &view); err != nil || view.Contact == nil || len(view.Contact.Phones) == 0 {
		return "", err
	}
	return strings.TrimPrefix(view.Contact.Phones[0], "+"), nil
}

func (p *player) callBack(ctx context.Context, number string, answered bool, now time.Time) error {
	if number == "" {
		return nil
	}
	c := phoneCall{outgoing: true, number: number, line: "74950000001", extension: p.extension, ring: time.Duration(5+p.random.IntN(20)) * time.Second}
	if answered {
		c.talk = time.Duration(40+p.random.IntN(400)) * time.Second
	}
	return p.phone.place(ctx, p.api, c, now)
}

// texts are what people write into a step; a step that is not here gets a word that fits any.
var texts = map[string][]string{
	"need":      {"Сплит-система в спальню, тихая", "Вентиляция офиса, 12 рабочих мест", "Две комнаты, мульти-сплит", "Обслуживание трёх блоков"},
	"product":   {"Сплит-система", "Мульти-сплит", "Приточная вентиляция", "Обслуживание"},
	"decides":   {"Директор", "Завхоз", "Собственник"},
	"positions": {"Сплит-система 2,5 кВт с монтажом", "Приточная установка, 8 решёток, монтаж", "Мульти-сплит на две комнаты"},
	"objection": {"У других дешевле на десятую часть", "Далеко ждать монтажа", "Хотят гарантию три года"},
	"topic":     {"Спрашивали про сроки монтажа", "Хотят ещё один блок"},
	"city":      cities,
}

// taxNumber has a right checksum and belongs to nobody: there is no tax office 0000.
func taxNumber(r *rand.Rand) string {
	digits := fmt.Sprintf("0000%05d", 1+r.IntN(99_998))
	sum := 0
	for i, weight := range []int{2, 4, 10, 3, 5, 9, 4, 6, 8} {
		sum += weight * int(digits[i]-'0')
	}
	return digits + fmt.Sprint(sum%11%10)
}

func (p *player) value(s taskStep, now time.Time) any {
	switch s.Kind {
	case "confirm", "call", "message":
		return true
	case "date":
		return now.AddDate(0, 0, 2+p.random.IntN(14)).Format("2006-01-02T15:04:05Z07:00")
	case "file":
		return fmt.Sprintf("КП-%04d в 1С", p.random.IntN(10_000))
	case "choice":
		return pick(p.random, s.Choices).ID
	}
	switch s.ID {
	case "amount":
		return fmt.Sprint(20_000 + 5_000*p.random.IntN(60))
	case "discount":
		return fmt.Sprint(pick(p.random, []int{0, 0, 0, 3, 5, 7, 15}))
	case "approved_discount":
		return "8"
	case "inn":
		return taxNumber(p.random)
	}
	if list, ok := texts[s.ID]; ok {
		return pick(p.random, list)
	}
	return "Записано со слов клиента"
}
