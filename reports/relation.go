package reports

import (
	"embed"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/*.sql
var files embed.FS

func sqlFile(name string) string {
	b, err := files.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // the name is a constant of this package
	}
	return strings.TrimSpace(string(b))
}

// A relation is what measures count over. It starts from a file of hits (a lead,
// and when and where it counts); what is known of the lead and the filters of
// the query are added to all of them alike.
type relation string

const (
	cohort    relation = "cohort"    // a row per lead received in the period
	climb     relation = "climb"     // a row per lead of the cohort and step of its funnel
	entry     relation = "entry"     // a row per entry into a stage in the period
	closing   relation = "closing"   // a row per lead closed in the period, by the closing in force
	reopening relation = "reopening" // a row per reopening in the period
	standing  relation = "standing"  // a row per open lead at the moment
	unclosed  relation = "unclosed"  // the same leads, found by their closings
)

// with writes the relation as common table expressions; the last one, named
// counted, has the rows to count. Leads that are none (tests, spam, duplicates)
// are still in: excluded says so.
func (r relation) with() string {
	hits, last := string(r), "kept"
	if r == climb {
		hits = string(cohort)
	}
	ctes := []string{
		"hit as (\n" + sqlFile(hits) + "\n)",
		"known as (\n" + sqlFile("enrich") + "\n)",
		"kept as (\n" + sqlFile("keep") + "\n)",
	}
	if r == climb {
		ctes, last = append(ctes, "climbed as (\n"+sqlFile("climb")+"\n)"), "climbed"
	}
	return "with " + strings.Join(ctes, ",\n") + ",\ncounted as (select * from " + last + ")\n"
}

// currency is the one amounts are added up in. Leads in another are counted, but
// their amounts are in no sum: a note says how many.
const currency = "RUB"

func (q Query) args() pgx.NamedArgs {
	return pgx.NamedArgs{
		"from": q.From, "to": q.To, "as_of": q.AsOf, "currency": currency,
		"funnel": q.Funnel, "owner": q.Owner, "team": q.Team, "source": q.Source,
		"channel": q.Channel, "connection": q.Connection, "product": q.Product, "city": q.City, "only_owner": q.Viewer.OnlyOwner,
	}
}

// dimension is a column of every relation by which numbers are split.
type dimension struct {
	key   string
	name  Text
	none  Text // what an empty value is called
	order order
}

type order int

const (
	byPosition order = iota // as the dictionary has it
	byFigure                // the largest first column first
	byLabel
)

var dimensions = map[string]dimension{
	"funnel":     {"funnel", Text{"Воронка", "Funnel"}, Text{"без воронки", "no funnel"}, byPosition},
	"stage":      {"stage", Text{"Этап", "Stage"}, Text{"этап не указан", "no stage"}, byPosition},
	"owner":      {"owner", Text{"Ответственный", "Owner"}, Text{"без ответственного", "nobody"}, byLabel},
	"team":       {"team", Text{"Команда", "Team"}, Text{"без команды", "no team"}, byLabel},
	"source":     {"source", Text{"Источник", "Source"}, Text{"источник не указан", "no source"}, byFigure},
	"channel":    {"channel", Text{"Канал", "Channel"}, Text{"канал не указан", "no channel"}, byFigure},
	"connection": {"connection", Text{"Подключение", "Connection"}, Text{"без подключения", "no connection"}, byFigure},
	"product":    {"product", Text{"Товар или услуга", "Product"}, Text{"товар не указан", "no product"}, byFigure},
	"city":       {"city", Text{"Город", "City"}, Text{"город не указан", "no city"}, byFigure},
	"reason":     {"reason", Text{"Причина", "Reason"}, Text{"причина не указана", "no reason given"}, byFigure},
}

var channelNames = map[string]Text{
	"form": {"Форма на сайте", "Web form"}, "call": {"Звонок", "Call"}, "mail": {"Почта", "E-mail"},
	"message": {"Мессенджер", "Messenger"}, "onec": {"1С", "1C"}, "manual": {"Вручную", "By hand"},
}

// columnOf is the SQL of a dimension. A stage is only itself inside its funnel.
func columnOf(dim string) string {
	switch dim {
	case "stage":
		return "funnel || '/' || stage"
	case "reason":
		return "coalesce(reason, '')"
	}
	return dim
}
