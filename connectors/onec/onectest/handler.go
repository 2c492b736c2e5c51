package onectest

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const service = "/odata/standard.odata"

// fault is an answer that is an error.
type fault struct {
	status int
	code   int
	words  string
}

func (f *fault) Error() string { return f.words }

// ServeHTTP answers below /odata/standard.odata of any publication.
func (b *Base) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	slow := b.wake()
	b.mu.Unlock()
	if slow > 0 {
		timer := time.NewTimer(slow)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	if b.badLuck(w) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, path, ok := strings.Cut(r.URL.Path, service)
	b.calls = append(b.calls, r.Method+" "+path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	if b.refuse(w, r) {
		return
	}
	out, err := b.answer(r, strings.Trim(path, "/"))
	if r.Method != http.MethodGet && b.random.hits(b.behave.LosesAnswers) {
		panic(http.ErrAbortHandler)
	}
	var f *fault
	switch {
	case errors.As(err, &f):
		b.fail(w, f)
	case err != nil:
		b.fail(w, &fault{500, -1, err.Error()})
	default:
		out.send(w, b.behave.BOM)
	}
}

// wake says how long the call takes for being the first in a while.
func (b *Base) wake() (slow time.Duration) {
	now := b.options.Now()
	if b.behave.SlowFirst > 0 && (b.lastCall.IsZero() || now.Sub(b.lastCall) > b.behave.Idle) {
		slow = b.behave.SlowFirst
	}
	b.lastCall = now
	return slow
}

// badLuck ends calls that never reach the base.
func (b *Base) badLuck(w http.ResponseWriter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.random.hits(b.behave.LosesCalls):
		panic(http.ErrAbortHandler)
	case b.random.hits(b.behave.BadGateway):
		page(w, http.StatusBadGateway, "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>")
	case b.random.hits(b.behave.Locks):
		b.fail(w, &fault{500, -1, "Конфликт блокировок при выполнении транзакции: превышено время ожидания"})
	default:
		return false
	}
	return true
}

func page(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// refuse answers calls that the base lets nobody make: wrong login, no session to be had.
func (b *Base) refuse(w http.ResponseWriter, r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	switch {
	case b.behave.Login:
		page(w, http.StatusOK, "<!DOCTYPE html><html><body><form>Войти</form></body></html>")
	case user != b.options.User || password != b.options.Password:
		w.Header().Set("WWW-Authenticate", `Basic realm="1C"`)
		page(w, http.StatusUnauthorized, "<html><body>401</body></html>")
	case b.behave.ForbidsSessions:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "\xef\xbb\xbf"+`{"#exception":"Exception","exception":{"reason":403,"descr":"Начало сеанса с информационной базой запрещено","inner":null}}`)
	default:
		return b.session(w, r)
	}
	return true
}

// session gives, goes on with or ends a session; true when there is none to be had.
func (b *Base) session(w http.ResponseWriter, r *http.Request) bool {
	if b.behave.IgnoresSessions {
		return false
	}
	if c, err := r.Cookie("ibsession"); err == nil {
		if !b.sessions[c.Value] {
			if b.behave.NamesSessions {
				b.fail(w, &fault{404, -1, "Сеанс не найден"})
				return true
			}
			w.WriteHeader(http.StatusBadRequest)
			return true
		}
		if r.Header.Get("IBSession") == "finish" {
			delete(b.sessions, c.Value)
		}
		return false
	}
	if b.behave.MaxSessions > 0 && len(b.sessions) >= b.behave.MaxSessions {
		w.WriteHeader(http.StatusNotAcceptable)
		return true
	}
	if r.Header.Get("IBSession") == "start" {
		id := newRef()
		b.sessions[id] = true
		http.SetCookie(w, &http.Cookie{Name: "ibsession", Value: id, Path: "/"})
	}
	return false
}

// Sessions is how many are open, each with a licence.
func (b *Base) Sessions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sessions)
}

// EndSessions ends them as an administrator does.
func (b *Base) EndSessions() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.sessions)
}

// output is a good answer.
type output struct {
	status int
	json   any
	xml    string
}

func (o output) send(w http.ResponseWriter, bom bool) {
	switch {
	case o.xml != "":
		w.Header().Set("Content-Type", "application/atom+xml;type=feed;charset=utf-8")
		w.WriteHeader(o.status)
		io.WriteString(w, o.xml)
	case o.json != nil:
		w.Header().Set("Content-Type", "application/json;odata=nometadata;charset=utf-8")
		w.WriteHeader(o.status)
		if bom {
			io.WriteString(w, "\xef\xbb\xbf")
		}
		_ = json.NewEncoder(w).Encode(o.json)
	default:
		w.WriteHeader(o.status)
	}
}

func (b *Base) fail(w http.ResponseWriter, f *fault) {
	if b.behave.AtomErrors {
		w.Header().Set("Content-Type", "application/xml;charset=utf-8")
		w.WriteHeader(f.status)
		var words strings.Builder
		_ = xml.EscapeText(&words, []byte(f.words))
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><m:error xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><m:code>%d</m:code><m:message xml:lang="ru">%s</m:message></m:error>`, f.code, words.String())
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"odata.error": map[string]any{"code": strconv.Itoa(f.code), "message": map[string]any{"lang": "ru", "value": f.words}}})
}

var (
	oneObject = regexp.MustCompile(`^([^/(]+)\(guid'([0-9a-fA-F-]{36})'\)$`)
	action    = regexp.MustCompile(`^([^/(]+)\(guid'([0-9a-fA-F-]{36})'\)/(Post|Unpost)(\(\))?$`)
)

func (b *Base) answer(r *http.Request, path string) (output, error) {
	query, err := readQuery(r.URL.RawQuery)
	if err != nil {
		return output{}, err
	}
	switch {
	case path == "":
		return output{status: 200, json: b.list()}, nil
	case path == "$metadata":
		if b.behave.FailsMetadata {
			return output{}, &fault{503, 0, "Сервис недоступен"}
		}
		return output{status: 200, xml: b.metadata()}, nil
	case path == "SelectChanges", path == "NotifyChangesReceived":
		return b.exchange(r.Method, path, query)
	}
	if m := action.FindStringSubmatch(path); m != nil {
		return b.act(m[1], strings.ToLower(m[2]), m[3])
	}
	if m := oneObject.FindStringSubmatch(path); m != nil {
		return b.one(r, m[1], strings.ToLower(m[2]))
	}
	t, err := b.table(path)
	switch {
	case err != nil:
		return output{}, err
	case r.Method == http.MethodPost:
		return b.create(t, r)
	case r.Method != http.MethodGet:
		return output{}, &fault{405, 19, "Метод не разрешён"}
	}
	return b.find(t, query)
}

// readQuery takes options apart. A plus is a plus, and an option without its dollar sign, but for allowedOnly, is unknown: so
// are clients found out that write neither as bases want it.
func readQuery(raw string) (map[string]string, error) {
	options := map[string]string{}
	for _, part := range strings.Split(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if strings.Contains(name, "%24") || strings.Contains(value, "+") {
			return nil, &fault{400, 14, "Ошибка разбора опций запроса"}
		}
		value, err := url.PathUnescape(value)
		if err != nil {
			return nil, &fault{400, 6, "Ошибка URL"}
		}
		options[name] = value
	}
	return options, nil
}

func (b *Base) list() any {
	var sets []map[string]string
	for _, s := range b.options.Schema.Sets {
		if !b.behave.Unpublished[s.Name] {
			sets = append(sets, map[string]string{"name": s.Name, "url": s.Name})
		}
	}
	return map[string]any{"value": sets}
}

func (b *Base) table(set string) (*table, error) {
	t, ok := b.sets[set]
	if !ok || b.behave.Unpublished[set] {
		return nil, &fault{404, 8, b.echo("Тип сущности не найден", set)}
	}
	return t, nil
}

func (b *Base) echo(words, input string) string {
	if b.behave.EchoesInput {
		return words + ": " + input
	}
	return words
}

func (b *Base) one(r *http.Request, set, ref string) (output, error) {
	t, err := b.table(set)
	if err != nil {
		return output{}, err
	}
	o, ok := t.objects[ref]
	if !ok {
		return output{}, &fault{404, 9, "Экземпляр сущности не найден"}
	}
	switch r.Method {
	case http.MethodGet:
		return output{status: 200, json: b.shown(t, o)}, nil
	case http.MethodPatch:
		if match := r.Header.Get("If-Match"); match != "" && match != o.Text("DataVersion") && !b.behave.IgnoresIfMatch {
			return output{}, &fault{412, 0, "Версия объекта изменилась"}
		}
		return b.patch(t, o, r)
	case http.MethodDelete:
		return output{status: 204}, b.remove(set, ref)
	}
	return output{}, &fault{405, 19, "Метод не разрешён"}
}

// shown is an object as it goes out: fixed strings filled, numbers of lines as text, a node with its own counters.
func (b *Base) shown(t *table, o Object) Object {
	out := o.clone()
	if n, ok := b.nodes[o.Text("Ref_Key")]; ok {
		out["SentNo"], out["ReceivedNo"] = strconv.FormatInt(n.sent, 10), strconv.FormatInt(n.received, 10)
	}
	if b.behave.PadsStrings {
		for _, f := range t.set.fields() {
			if s := out.Text(f.Name); f.Fixed && utf8.RuneCountInString(s) < f.Length {
				out[f.Name] = s + strings.Repeat(" ", f.Length-utf8.RuneCountInString(s))
			}
		}
	}
	return out
}

func (b *Base) body(r *http.Request) (Object, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return nil, err
	}
	var o Object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, &fault{400, 2, "Ошибка формата запроса"}
	}
	return o, nil
}

func (b *Base) create(t *table, r *http.Request) (output, error) {
	sent, err := b.body(r)
	if err != nil {
		return output{}, err
	}
	ref := strings.ToLower(sent.Text("Ref_Key"))
	if _, exists := t.objects[ref]; exists {
		return output{}, &fault{400, 15, "Сущность с таким ключом уже существует"}
	}
	if b.behave.OwnRefs {
		ref = newRef()
	}
	o := b.complete(t.set, Object{"Ref_Key": ref})
	if err := b.assign(t.set, o, sent); err != nil {
		return output{}, err
	}
	if err := b.judge(t, o, sent); err != nil {
		return output{}, err
	}
	if err := b.write(t.set.Name, o); err != nil {
		return output{}, err
	}
	return output{status: 201, json: b.shown(t, o)}, nil
}

func (b *Base) patch(t *table, o Object, r *http.Request) (output, error) {
	sent, err := b.body(r)
	if err != nil {
		return output{}, err
	}
	changed := o.clone()
	if err := b.assign(t.set, changed, sent); err != nil {
		return output{}, err
	}
	if err := b.judge(t, changed, sent); err != nil {
		return output{}, err
	}
	if err := b.write(t.set.Name, changed); err != nil {
		return output{}, err
	}
	return output{status: 200, json: b.shown(t, changed)}, nil
}

// judge is the code of the configuration.
func (b *Base) judge(t *table, o, sent Object) error {
	if words, ok := b.behave.Business[t.set.Name]; ok {
		return &fault{500, -1, b.echo(words, o.Text("Description"))}
	}
	if !b.behave.RefusesDuplicate || sent.Text("Description") == "" {
		return nil
	}
	for ref, other := range t.objects {
		if ref != o.Text("Ref_Key") && other.Text("Description") == o.Text("Description") {
			return &fault{500, -1, b.echo("Элемент с таким наименованием уже есть", o.Text("Description"))}
		}
	}
	return nil
}

func (b *Base) assign(set Set, o, sent Object) error {
	for name, value := range sent {
		if name == "Ref_Key" || name == "DataVersion" {
			continue
		}
		f, known := set.field(name)
		if !known {
			if b.behave.IgnoresUnknown {
				continue
			}
			return &fault{400, 10, b.echo("Свойство не найдено", name)}
		}
		taken, err := b.value(f, value)
		if err != nil {
			return err
		}
		o[name] = taken
	}
	return nil
}

var guid = regexp.MustCompile(`^[0-9a-fA-F-]{36}$`)

func (b *Base) value(f Field, value any) (any, error) {
	bad := &fault{400, 1, b.echo("Ошибка разбора значения", f.Name)}
	if f.Rows != nil {
		return b.section(f, value)
	}
	switch f.Type {
	case "Edm.Guid":
		if s, ok := value.(string); !ok || !guid.MatchString(s) {
			return nil, bad
		}
	case "Edm.Boolean":
		if _, ok := value.(bool); !ok {
			return nil, bad
		}
	case "Edm.DateTime":
		s, _ := value.(string)
		if _, err := time.Parse(dateLayout, s); err != nil {
			return nil, bad
		}
		if f.Day {
			return s[:len("2006-01-02")] + "T00:00:00", nil
		}
	case "Edm.String":
		s, ok := value.(string)
		if !ok {
			return nil, bad
		}
		if runes := []rune(s); f.Length > 0 && len(runes) > f.Length {
			if !b.behave.Truncates {
				return nil, &fault{400, 4, "Значение длиннее реквизита"}
			}
			return string(runes[:f.Length]), nil
		}
	}
	return value, nil
}

// section takes a tabular section whole. Lines are numbered from 1 without gaps.
func (b *Base) section(f Field, value any) (any, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, &fault{400, 4, "Ожидается коллекция"}
	}
	rows := []Object{}
	for i, sent := range rowsOf(list) {
		switch fmt.Sprint(sent["LineNumber"]) {
		case strconv.Itoa(i + 1):
		case "<nil>":
			return nil, &fault{500, 0, "Не задан номер строки"}
		default:
			return nil, &fault{400, 4, "Неверный номер строки"}
		}
		row := Object{"LineNumber": strconv.Itoa(i + 1)}
		for _, inner := range f.Rows {
			row[inner.Name] = inner.zero()
			if v, ok := sent[inner.Name]; ok {
				taken, err := b.value(inner, v)
				if err != nil {
					return nil, err
				}
				row[inner.Name] = taken
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (b *Base) act(set, ref, name string) (output, error) {
	t, err := b.table(set)
	if err != nil {
		return output{}, err
	}
	o, ok := t.objects[ref]
	if !ok {
		return output{}, &fault{404, 9, "Экземпляр сущности не найден"}
	}
	if b.behave.RefusesPostings {
		return output{}, &fault{500, -1, "Период закрыт для изменений"}
	}
	changed := o.clone()
	changed["Posted"] = name == "Post"
	return output{status: 200}, b.write(set, changed)
}

var exchangePoint = regexp.MustCompile(`/(ExchangePlan_[^/(]+)\(guid'([0-9a-fA-F-]{36})'\)'?$`)

func (b *Base) exchange(method, operation string, query map[string]string) (output, error) {
	m := exchangePoint.FindStringSubmatch(query["DataExchangePoint"])
	message, err := strconv.ParseInt(query["MessageNo"], 10, 64)
	if method != http.MethodPost || m == nil || err != nil {
		return output{}, &fault{400, 12, "Не задан параметр метода"}
	}
	n, ok := b.nodes[strings.ToLower(m[2])]
	if !ok || n.plan != m[1] {
		return output{}, &fault{404, 9, "Узел не найден"}
	}
	if operation == "NotifyChangesReceived" {
		if err := b.note(record{Node: n.ref, Received: message}); err != nil {
			return output{}, err
		}
		b.received(n, message)
		return output{status: 200}, nil
	}
	if err := b.note(record{Node: n.ref, Sent: message}); err != nil {
		return output{}, err
	}
	return output{status: 200, xml: b.feed(b.selectChanges(n, message))}, nil
}

// find answers a list.
func (b *Base) find(t *table, query map[string]string) (output, error) {
	test, err := b.filter(t, query["$filter"])
	if err != nil {
		return output{}, err
	}
	var found []Object
	for _, ref := range t.order {
		if o, ok := t.objects[ref]; ok && test(o) {
			found = append(found, o)
		}
	}
	if err := b.sort(t, found, query["$orderby"]); err != nil {
		return output{}, err
	}
	skip, _ := strconv.Atoi(query["$skip"])
	found = found[min(max(skip, 0), len(found)):]
	if top, err := strconv.Atoi(query["$top"]); err == nil && top < len(found) {
		found = found[:max(top, 0)]
	}
	list := make([]Object, len(found))
	for i, o := range found {
		list[i] = b.shown(t, o)
	}
	return output{status: 200, json: map[string]any{"value": list}}, nil
}

func (b *Base) sort(t *table, list []Object, order string) error {
	var keys []string
	for _, key := range strings.Split(order, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(key), " ")
		if name == "" {
			continue
		}
		if _, known := t.set.field(name); !known {
			return &fault{400, 10, b.echo("Свойство не найдено", name)}
		}
		keys = append(keys, name)
	}
	slices.SortStableFunc(list, func(x, y Object) int {
		for _, key := range keys {
			if c := strings.Compare(fmt.Sprint(x[key]), fmt.Sprint(y[key])); c != 0 {
				return c
			}
		}
		return 0
	})
	return nil
}
