package demo

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"sort"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"
)

// cookieFormat is what the site builder of the landing page passes on of its visitor's cookies.
//
//go:embed cookie.txt
var cookieFormat string

// visitor is somebody who writes to the company. Names are put together at random; numbers are of the range +7 900 000, in
// which none is given out, addresses of example.org (RFC 2606).
type visitor struct {
	first, last string
	phone       string // as the person types it
	email       string
	company     string
	city        string
}

var (
	womenFirst = []string{"Анна", "Ирина", "Светлана", "Елена", "Наталья", "Алина", "Вера", "Полина", "Галина", "Жанна"}
	menFirst   = []string{"Алексей", "Борис", "Виктор", "Глеб", "Денис", "Егор", "Захар", "Кирилл", "Лев", "Роман", "Тимур", "Фёдор"}
	stems      = []string{"Абрикосов", "Берёзкин", "Васильков", "Гвоздикин", "Дубравин", "Ёлкин", "Жасминов", "Клёнов", "Ландышев", "Малинин", "Незабудкин", "Осинин", "Пионов", "Рябинин", "Сиренев", "Тополев", "Фиалкин", "Черёмухин"}
	cities     = []string{"Москва", "Москва", "Москва", "Химки", "Тула", "Казань", "Тверь", "Рязань", "Калуга"}
	firms      = []string{"ООО «Тёплый дом»", "ООО «Северный ветер»", "АО «Склад-Сервис»", "ИП Клёнов", "ООО «Булочная на углу»", "ООО «Офис-Парк»", "ООО «Стройуют»", "АО «Медтехника»"}
	wishes     = []string{
		"Нужен кондиционер в комнату 18 метров, этаж третий. Сколько с установкой?",
		"Посчитайте, пожалуйста, вентиляцию для офиса на 12 человек",
		"Хочу мульти-сплит на две комнаты, когда сможете приехать на замер?",
		"Интересует обслуживание трёх кондиционеров, договор на год",
		"Прайс на приточные установки, пожалуйста",
		"Старый кондиционер шумит. Менять или чинить?",
		"Нужна вытяжка для кафе, есть проект",
		"Сколько стоит установка на фасад? Нужен альпинист",
		"Срочно! Серверная 20 метров, нужен резерв",
		"Перезвоните после шести вечера",
	}
	campaigns = []string{"leto", "montazh", "vent_office", "multisplit", "servis"}
)

func newVisitor(r *rand.Rand, n int) visitor {
	v := visitor{city: pick(r, cities)}
	stem := pick(r, stems)
	if r.IntN(2) == 0 {
		v.first, v.last = pick(r, womenFirst), stem+"а"
	} else {
		v.first, v.last = pick(r, menFirst), stem
	}
	digits := fmt.Sprintf("900000%04d", n)
	v.phone = []string{
		"+7 (" + digits[:3] + ") " + digits[3:6] + "-" + digits[6:8] + "-" + digits[8:],
		"8" + digits, "8 " + digits[:3] + " " + digits[3:6] + " " + digits[6:], "7" + digits,
	}[r.IntN(4)]
	v.email = fmt.Sprintf("client%03d@example.org", n)
	if r.IntN(4) == 0 {
		v.company = pick(r, firms)
	}
	return v
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// letter is one message to be posted at a moment.
type letter struct {
	at          time.Time
	connection  string
	contentType string
	body        []byte
	again       bool       // the same once more: a double click
	call        *phoneCall // a call instead
	folder, id  string     // of a letter of the mailbox: where it lies, and its Message-ID
	topic       string
}

// letters are the inquiries of the whole time, in order: by day mostly, fewer at weekends, some people twice, now and then a
// robot, a test, an old page in windows-1251, and one that nobody can read.
func letters(r *rand.Rand, from, to time.Time, about int) []letter {
	var all []letter
	var known []visitor
	days := to.Sub(from).Hours() / 24
	for day := range int(days) + 1 {
		date := from.AddDate(0, 0, day)
		expect := float64(about) / days * 1.2
		if weekday := date.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
			expect *= 0.35
		}
		for range poisson(r, expect) {
			at := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, date.Location()).Add(momentOfDay(r))
			if at.Before(from) || at.After(to) {
				continue
			}
			v := newVisitor(r, len(known)+1)
			if len(known) > 20 && r.IntN(7) == 0 {
				v = pick(r, known)
			} else {
				known = append(known, v)
			}
			one := compose(r, v, at)
			all = append(append(all, one), thread(r, v, one, to)...)
		}
	}
	all = append(all, letter{at: to.Add(-50 * time.Hour), connection: "partner", contentType: "application/json", body: []byte(`{"order_id":"P-0","contact":`)})
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	return all
}

// poisson draws how many come when so many are expected (Knuth).
func poisson(r *rand.Rand, expect float64) int {
	n, left := 0, 1.0
	for {
		left *= r.Float64()
		if left < math.Exp(-expect) {
			return n
		}
		n++
	}
}

func momentOfDay(r *rand.Rand) time.Duration {
	hour := 9 + r.NormFloat64()*3.2 + 4
	hour = min(23.5, max(0.2, hour))
	return time.Duration(hour * float64(time.Hour)).Round(time.Second)
}

func compose(r *rand.Rand, v visitor, at time.Time) letter {
	wish := pick(r, wishes)
	switch n := r.IntN(100); {
	case n < 34:
		return siteForm(r, v, at, wish)
	case n < 56:
		return landingForm(r, v, at, wish)
	case n < 72:
		return priceForm(r, v, at, wish)
	case n < 84:
		return mailLetter(r, v, at, wish)
	default:
		return partnerHook(r, v, at, wish)
	}
}

// utm is where people say they come from, more often than not.
func utm(r *rand.Rand) url.Values {
	switch r.IntN(4) {
	case 0:
		return url.Values{}
	case 1:
		return url.Values{"utm_source": {"vk"}, "utm_medium": {"social"}, "utm_campaign": {pick(r, campaigns)}}
	}
	return url.Values{"utm_source": {"yandex"}, "utm_medium": {"cpc"}, "utm_campaign": {pick(r, campaigns)}, "yclid": {fmt.Sprintf("17%017d", r.Int64N(1e17))}}
}

func siteForm(r *rand.Rand, v visitor, at time.Time, wish string) letter {
	form := utm(r)
	form.Set("Имя", v.first+" "+v.last)
	form.Set("Телефон", v.phone)
	form.Set("Город", v.city)
	form.Set("Комментарий", wish)
	form.Set("page", "https://romashka.example.org/kondicionery")
	if r.IntN(3) > 0 {
		form.Set("Согласие", "on")
	}
	switch n := r.IntN(60); {
	case n == 0:
		form.Set("website", "http://spam.example.org") // a robot fills what people do not see
	case n == 1:
		form = url.Values{"Имя": {"Тест"}, "Телефон": {v.phone}, "Комментарий": {"тест"}, "test": {"1"}}
	case n < 6:
		return oldPage(v, at, wish)
	}
	return letter{at: at, connection: "site", contentType: "application/x-www-form-urlencoded", body: []byte(form.Encode()), again: r.IntN(25) == 0}
}

// oldPage posts windows-1251 and does not say so.
func oldPage(v visitor, at time.Time, wish string) letter {
	var body []string
	for _, pair := range [][2]string{{"ФИО", v.last + " " + v.first}, {"Телефон", v.phone}, {"Сообщение", wish}} {
		key, _ := charmap.Windows1251.NewEncoder().String(pair[0]) // both are Russian texts of our own
		value, _ := charmap.Windows1251.NewEncoder().String(pair[1])
		body = append(body, url.QueryEscape(key)+"="+url.QueryEscape(value))
	}
	return letter{at: at, connection: "site", contentType: "application/x-www-form-urlencoded", body: []byte(strings.Join(body, "&"))}
}

func landingForm(r *rand.Rand, v visitor, at time.Time, wish string) letter {
	tags := utm(r)
	form := url.Values{"Name": {v.first}, "Phone": {v.phone}, "Comments": {wish}, "formid": {"form40400"}, "formname": {"Рассчитать вентиляцию"},
		"tranid": {fmt.Sprintf("%d:%d", 4040000, r.Int64N(1e9))}}
	var cookies []string
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if strings.HasPrefix(key, "utm_") {
			cookies = append(cookies, key+"="+tags.Get(key))
		}
	}
	if len(cookies) > 0 {
		form.Set("COOKIES", fmt.Sprintf(cookieFormat, url.QueryEscape(strings.Join(cookies, "|||")), 1700000000000000000+r.Int64N(1e15)))
	}
	return letter{at: at, connection: "landing", contentType: "application/x-www-form-urlencoded", body: []byte(form.Encode()), again: r.IntN(30) == 0}
}

func priceForm(r *rand.Rand, v visitor, at time.Time, wish string) letter {
	fields := map[string]any{"name": v.first + " " + v.last, "phone": v.phone, "email": v.email, "Что интересует": pick(r, []string{"Кондиционеры", "Вентиляция", "Обслуживание"}),
		"message": wish, "utm": map[string]string{"source": "yandex", "medium": "cpc", "campaign": pick(r, campaigns)}, "consent": r.IntN(4) > 0}
	if v.company != "" {
		fields["company"] = v.company
	}
	return letter{at: at, connection: "price", contentType: "application/json", body: asJSON(fields)}
}

func partnerHook(r *rand.Rand, v visitor, at time.Time, wish string) letter {
	fields := map[string]any{"order_id": fmt.Sprintf("P-%d", 1+r.Int64N(1e9)), "contact": map[string]string{"name": v.first + " " + v.last, "phone": v.phone, "email": v.email},
		"company": pick(r, firms), "city": v.city, "amount": 50_000 + 10_000*r.IntN(60), "comment": wish}
	return letter{at: at, connection: "partner", contentType: "application/json", body: asJSON(fields), again: r.IntN(12) == 0}
}

func asJSON(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // maps of texts and numbers
	}
	return b.Bytes()
}
