package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"net/url"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// inquiry is one submission of a form: the bytes that are posted, and what has to
// be found in the database for them.
type inquiry struct {
	mark        string // unique; it is one of the values
	connection  string
	key         string // Idempotency-Key; empty: the bytes are the identity
	contentType string
	body        []byte
	fields      map[string]string // as the gateway has to read them
	files       map[string][]byte // by name
	phone       string            // E.164; empty: the sender left none
	spam        bool              // the honeypot is filled
}

// regulars are people who write again and again: each has one lead, whatever happens.
const regulars = 15

var connections = []string{"site", "landing"}

// invent makes the nth inquiry of a run. The same rng gives the same inquiries.
func invent(rng *rand.Rand, run string, n int) inquiry {
	q := inquiry{mark: fmt.Sprintf("%s-%05d", run, n), connection: connections[rng.IntN(len(connections))]}
	if rng.IntN(2) == 0 {
		q.key = "key-" + q.mark
	}
	switch who := rng.IntN(20); {
	case who == 0: // no phone
	case who < 5:
		q.phone = fmt.Sprintf("+7911%07d", rng.IntN(regulars))
	default:
		q.phone = fmt.Sprintf("+7912%07d", n)
	}
	q.spam = rng.IntN(40) == 0
	encoders[rng.IntN(len(encoders))](rng, &q)
	return q
}

// encoders write an inquiry the ways that forms do.
var encoders = []func(*rand.Rand, *inquiry){asJSON, asNestedJSON, asURLEncoded, asWindows1251, asMultipart}

var words = strings.Fields(`здравствуйте нужна кухня доставка Ёлки «срочно» цена опт «Ромашка» 100% & <b> "кавычки" a=b ждём звонка`)

// saying is some text; plain text keeps to what windows-1251 has letters for.
func saying(rng *rand.Rand, plain bool) string {
	said := make([]string, 3+rng.IntN(20))
	for i := range said {
		said[i] = words[rng.IntN(len(words))]
	}
	text := strings.Join(said, " ")
	if !plain {
		text += " 🙂 中文"
	}
	return text
}

func (q *inquiry) fill(rng *rand.Rand, plain bool, names ...string) {
	q.fields = map[string]string{names[0]: "Проверка " + q.mark, names[1]: q.phone, names[2]: saying(rng, plain), names[3]: q.mark}
	if q.phone == "" {
		delete(q.fields, names[1])
	}
	if q.spam {
		q.fields["mr_check"] = "http://example.com"
	}
}

func asJSON(rng *rand.Rand, q *inquiry) {
	q.fill(rng, false, "name", "phone", "comment", "no")
	q.contentType, q.body = "application/json", jsonOf(q.fields)
}

func asNestedJSON(rng *rand.Rand, q *inquiry) {
	q.fill(rng, false, "client.name", "client.phone", "message", "order.no")
	nested := map[string]any{}
	for key, value := range q.fields {
		group, name, deeper := strings.Cut(key, ".")
		if !deeper {
			nested[key] = value
			continue
		}
		if nested[group] == nil {
			nested[group] = map[string]any{}
		}
		nested[group].(map[string]any)[name] = value
	}
	q.contentType, q.body = "application/json; charset=utf-8", jsonOf(nested)
}

func jsonOf(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts only
	}
	return text
}

func asURLEncoded(rng *rand.Rand, q *inquiry) {
	q.fill(rng, false, "Имя", "Телефон", "Комментарий", "номер")
	values := url.Values{}
	for key, value := range q.fields {
		values.Set(key, value)
	}
	q.contentType, q.body = "application/x-www-form-urlencoded", []byte(values.Encode())
}

// asWindows1251 says nothing about its charset, as old sites do not.
func asWindows1251(rng *rand.Rand, q *inquiry) {
	q.fill(rng, true, "fio", "tel", "text", "no")
	values := url.Values{}
	for key, value := range q.fields {
		old, err := charmap.Windows1251.NewEncoder().String(value)
		if err != nil {
			panic(err) // plain texts only
		}
		values.Set(key, old)
	}
	q.contentType, q.body = "application/x-www-form-urlencoded", []byte(values.Encode())
}

func asMultipart(rng *rand.Rand, q *inquiry) {
	q.fill(rng, false, "your-name", "your-phone", "your-message", "no")
	size := rng.IntN(20 << 10)
	if rng.IntN(8) == 0 {
		size += 300 << 10 // such a body does not travel with its event
	}
	drawing := make([]byte, size+1)
	for i := range drawing {
		drawing[i] = byte(rng.Uint32())
	}
	q.files = map[string][]byte{"чертёж " + q.mark + ".bin": drawing}

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.SetBoundary("boundary-" + q.mark); err != nil {
		panic(err)
	}
	for key, value := range q.fields {
		must(form.WriteField(key, value))
	}
	for name, content := range q.files {
		part, err := form.CreateFormFile("drawing", name)
		must(err)
		_, err = part.Write(content)
		must(err)
	}
	must(form.Close())
	q.contentType, q.body = form.FormDataContentType(), body.Bytes()
}

// must is for writing to memory, which cannot fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
