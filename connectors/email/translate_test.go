package email

import (
	"slices"
	"strings"
	"testing"

	"marshrut/connectors"
	"marshrut/leads"
	"marshrut/pipeline"
)

// understood is what a mailbox of the company example.org makes of a letter.
func understood(t *testing.T, header, body string) leads.Inquiry {
	t.Helper()
	i := New(connectors.Connection{Name: "box", Region: "RU", Language: "ru"}, Settings{Address: "info@example.org", Aliases: []string{"@example.org"}})
	found, err := i.Translate(pipeline.Event{Data: letter(header, body)})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d inquiries, %v", len(found), err)
	}
	return found[0]
}

func values(in leads.Inquiry) []string {
	var all []string
	for _, p := range in.Points {
		all = append(all, p.Value)
	}
	return all
}

func TestTheClientOfALetterThatAnEmployeePassesOnIsWhoWroteIt(t *testing.T) {
	const header = "From: Олег <oleg@example.org>\nTo: info@example.org\nSubject: Fwd: Монтаж"
	outlook := "Возьмите в работу\n\nОт: Зина Клиентова <zina@example.ru>\nОтправлено: 27 ноября 2026 г.\nКому: Олег <oleg@example.org>\nТема: Монтаж\n\nНужен монтаж"
	yandex := "-------- Пересылаемое сообщение --------\nОт кого: Зина Клиентова <zina@example.ru>\nТема: Монтаж\n\nНужен монтаж"
	for _, body := range []string{outlook, yandex} {
		in := understood(t, header, body)
		if in.Outgoing() || in.Name != "Зина Клиентова" || !slices.Equal(values(in), []string{"zina@example.ru"}) || !strings.Contains(in.Text, "Нужен монтаж") {
			t.Errorf("%q: %+v", body, in)
		}
	}
	in := understood(t, header+"\nContent-Type: multipart/mixed; boundary=b",
		"--b\n\nВозьмите в работу\n--b\nContent-Type: message/rfc822\n\nFrom: Зина Клиентова <zina@example.ru>\nSubject: Монтаж\n\nНужен монтаж\n--b--\n")
	if in.Name != "Зина Клиентова" || !slices.Equal(values(in), []string{"zina@example.ru"}) || in.Text != "Возьмите в работу\n\nНужен монтаж" || in.Subject != "Монтаж" {
		t.Errorf("as a file: %+v", in)
	}
}

func TestACopyOfALetterToAClientIsOutgoing(t *testing.T) {
	in := understood(t, "From: Олег <oleg@example.org>\nTo: Зина <zina@example.ru>\nCc: info@example.org\nSubject: Re: Монтаж\nIn-Reply-To: <1@example.ru>", "Высылаю счёт")
	if !in.Outgoing() || !slices.Equal(values(in), []string{"zina@example.ru"}) || !slices.Contains(in.Refs, "letter:1@example.ru") {
		t.Errorf("%+v", in)
	}
	if in := understood(t, "From: oleg@example.org\nTo: info@example.org\nSubject: Звонили", "Просили перезвонить"); in.Outgoing() || len(in.Points) != 0 {
		t.Errorf("among ourselves: %+v", in)
	}
	in = understood(t, "From: info@example.org\nTo: info@example.org, zina@example.ru\nSubject: Заявка", "Имя: Зина\nТелефон: +7 912 000-00-71\nКомментарий: монтаж")
	if in.Outgoing() || !slices.Contains(values(in), "+79120000071") {
		t.Errorf("a form of our site, with a copy for the client: %+v", in)
	}
}

func TestAFormWithoutColonsIsRead(t *testing.T) {
	for body, want := range map[string][]string{
		"Имя\nРоман Иванов\n\nТелефон\n+7 912 000-00-55\n\nE-mail\nroman@example.ru": {"+79120000055", "roman@example.ru"},
		"Имя - Роман Иванов\nТелефон — 8 (912) 000-00-56":                            {"+79120000056"},
	} {
		in := understood(t, "From: noreply@site.example.com\nSubject: Заявка", body)
		if in.Name != "Роман Иванов" || !slices.Equal(values(in), want) {
			t.Errorf("%q: %q, %q", body, in.Name, values(in))
		}
	}
}

func TestThePhoneInTheTextOfAMachineIsTheLastResort(t *testing.T) {
	const header = "From: noreply@portal.example.com\nSubject: Заявка"
	for body, want := range map[string][]string{
		"Вам оставили заявку, перезвоните: 8 (912) 000-00-57. Спасибо!": {"+79120000057"},
		"Заказ 89120000058, ИНН 7707083893, счёт 40702810900000000001":  nil,
		"Позвоните +7 912 000-00-59 или +7 912 000-00-60":               nil, // whose is it?
	} {
		if got := values(understood(t, header, body)); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
}

func TestANumberOfASubmissionIsFoundHoweverShort(t *testing.T) {
	in := understood(t, "From: noreply@tilda.ws\nSubject: Request", "Request details:\nName: Анна\nEmail: anna@example.ru\n\nTransaction ID: 9961889:7\n")
	if !slices.Contains(in.Refs, leads.SubmissionRef("9961889:7")) {
		t.Errorf("named %q", in.Refs)
	}
}

func TestTheSameMessageIDInAllLettersOfASiteJoinsNobody(t *testing.T) {
	const form = "From: noreply@site.example.com\nMessage-ID: <always@site.example.com>"
	if in := understood(t, form, "Имя: Анна\nТелефон: +7 912 000-00-70"); slices.Contains(in.Refs, "letter:always@site.example.com") {
		t.Errorf("a form is named %q", in.Refs)
	}
	if in := understood(t, "From: anna@example.ru\nMessage-ID: <1@example.ru>", "Нужен монтаж"); !slices.Equal(in.Refs, []string{"letter:1@example.ru"}) {
		t.Errorf("a letter is named %q", in.Refs)
	}
}

func TestALetterOfAnOrderIsCalledByItsNumberInTheLanguageOfTheConnection(t *testing.T) {
	body := "Заказ № 1204\nИмя: Анна\nТелефон: +7 912 000-00-72\n1. Кабель: 318 (2 x 159)\nИтого: 318 руб.\n"
	for language, want := range map[string]string{"ru": "Заказ № 1204", "en": "Order No. 1204"} {
		i := New(connectors.Connection{Name: "box", Region: "RU", Language: language}, Settings{Address: "info@example.org"})
		found, err := i.Translate(pipeline.Event{Data: letter("From: noreply@shop.example.com\nSubject: Заявка", body)})
		if err != nil || len(found) != 1 || found[0].Subject != want || len(found[0].Items) != 1 {
			t.Errorf("in %q: %+v, %v; want %q", language, found, err, want)
		}
	}
}
