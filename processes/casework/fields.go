package casework

import (
	"strconv"
	"strings"
	"time"

	"marshrut/leads"
	"marshrut/leads/repository"
	"marshrut/processes/bpmn"
	"marshrut/processes/engine"
)

// setField puts the value of a step or an assignment into the changes of a lead,
// or refuses it in words.
func setField(into *repository.Changes, own []leads.OwnField, name string, value any) error {
	text := strings.TrimSpace(written(value))
	switch name {
	case "lead.title":
		into.Title = &text
	case "lead.amount":
		return setAmount(into, text)
	case "lead.currency":
		into.Currency = &text
	case "lead.probability":
		n, ok := bpmn.ToNumber(value)
		if !ok || n < 0 || n > 100 {
			return refuseValue("Вероятность — число от 0 до 100", "The probability is a number from 0 to 100")
		}
		into.Probability = &n
	case "lead.expected_close":
		return setExpectedClose(into, value, text)
	case "lead.source":
		into.Source = &text
	case "lead.product":
		into.Product = &text
	case "lead.city":
		into.City = &text
	case "lead.priority":
		n, ok := bpmn.ToNumber(value)
		if !ok {
			return refuseValue("Важность — число", "The priority is a number")
		}
		priority := int(n)
		into.Priority = &priority
	case "contact.name":
		into.ContactName = &text
	case "client.name":
		into.ClientName = &text
	case "client.inn":
		if text != "" && !leads.INN(text) {
			return refuseValue("ИНН записан с ошибкой: контрольное число не сходится", "The INN is wrong: its check digits do not match")
		}
		into.INN = &text
	default:
		return setOwnField(into, own, name, text)
	}
	return nil
}

func setAmount(into *repository.Changes, text string) error {
	if text == "" {
		into.Amount, into.NoAmount = nil, true
		return nil
	}
	amount, ok := leads.ParseAmount(text)
	if !ok || !amount.Money() {
		return refuseValue("Сумма записана непонятно: напишите число, например 12500,50", "The amount is not a sum of money: write a number like 12500.50")
	}
	into.Amount, into.NoAmount = &amount, false
	return nil
}

func setExpectedClose(into *repository.Changes, value any, text string) error {
	if value == nil || text == "" {
		into.ExpectedClose, into.NoExpected = nil, true
		return nil
	}
	at, ok := bpmn.ToTime(value, time.UTC)
	if !ok {
		return refuseValue("Дата записана непонятно: напишите её как 25.11.2026", "The date cannot be read: write it as 2026-11-25")
	}
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	into.ExpectedClose, into.NoExpected = &day, false
	return nil
}

func setOwnField(into *repository.Changes, own []leads.OwnField, name, text string) error {
	key, isOwn := strings.CutPrefix(name, "lead.fields.")
	for _, f := range own {
		if !isOwn || f.Key != key {
			continue
		}
		if err := f.Check(text); err != nil {
			return refuseValue("Поле «"+f.NameRU+"»: значение не подходит", "Field "+f.NameEN+": the value does not fit")
		}
		if into.Fields == nil {
			into.Fields = map[string]string{}
		}
		into.Fields[key] = text
		return nil
	}
	return refuseValue("Поля «"+name+"» нет или его нельзя менять", "There is no field "+name+", or it cannot be set")
}

func refuseValue(ru, en string) error {
	return &engine.Refusal{Kind: engine.ErrInvalidValue, Message: ru, MessageEn: en}
}

// written is a step's value as text: numbers in full, dates as dates.
func written(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return v.Format(time.DateOnly)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}
