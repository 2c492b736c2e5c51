// Package archtest holds the plan of the house: which package may import which
// of ours, who may touch a driver, what is pure. The test beside this table
// reads the sources and fails with a sentence where they differ. A better plan
// changes the table here, with its reason.
package archtest

// floor is what a package may import of ours. everything stands for all of it.
type floor struct {
	mayImport []string
	why       string // where it says more than the design's own table
}

const everything = "*"

// plan has one line per package. <channel> and <provider> stand for any folder,
// "its channel" for the folder above a provider.
var plan = map[string]floor{
	"cmd/marshrut": {mayImport: []string{everything}, why: "its sub-commands call into every room"},
	"configs":      {},

	"pipeline":        {},
	"pipeline/kafka":  {mayImport: []string{"pipeline"}},
	"pipeline/spool":  {mayImport: []string{"pipeline", "internal/postgres"}},
	"pipeline/edge":   {mayImport: []string{"pipeline", "connectors", "leads", "internal/blobs"}, why: "a request of connectors carries its files as leads has them"},
	"pipeline/intake": {mayImport: []string{"pipeline", "pipeline/exchange", "connectors", "leads", "leads/repository", "processes/casework", "internal/postgres"}},
	"pipeline/exchange": {
		mayImport: []string{"pipeline", "pipeline/delivery", "connectors", "leads", "leads/repository", "processes", "processes/casework", "processes/engine", "internal/postgres", "internal/staff"},
		why:       "it compares our objects with those of another system, whatever its protocol, and moves leads by casework's door",
	},
	"pipeline/delivery": {mayImport: []string{"pipeline", "internal/postgres", "internal/safedial"}, why: "web hooks go out through the dialer that refuses private addresses"},

	"leads":            {},
	"leads/repository": {mayImport: []string{"leads", "pipeline", "pipeline/delivery", "internal/postgres"}},

	"processes/bpmn":      {},
	"processes/engine":    {mayImport: []string{"processes/bpmn", "internal/workcal"}},
	"processes/flowchart": {mayImport: []string{"processes/bpmn"}},
	"processes":           {mayImport: []string{"processes/bpmn", "processes/engine", "pipeline", "pipeline/delivery", "internal/postgres", "internal/staff", "internal/workcal"}},
	"processes/casework": {
		mayImport: []string{"processes", "processes/bpmn", "processes/engine", "leads", "leads/repository", "pipeline", "internal/postgres", "internal/staff"},
		why:       "the conditions of start rules are expressions of bpmn, and a refusal is the engine's error",
	},

	"connectors":           {mayImport: []string{"pipeline", "leads"}},
	"connectors/<channel>": {mayImport: []string{"connectors", "connectors/charset", "pipeline", "leads"}},
	"connectors/charset":   {why: "letters and forms come in the same wrong charsets, read by one detector"},
	"connectors/email": {
		mayImport: []string{"connectors", "connectors/charset", "connectors/webform", "pipeline", "pipeline/delivery", "leads", "internal/safedial"},
		why:       "a form's notification is a form that came by mail, read by the same words; letters go out as deliveries, through the dialer that refuses private addresses",
	},
	"connectors/<channel>/<provider>": {mayImport: []string{"its channel", "connectors", "leads"}, why: "a dialect answers in the words of connectors and leads; repeating them in each channel would only hide that"},
	"connectors/onec":                 {mayImport: []string{"connectors", "connectors/onec/odata", "pipeline", "leads"}, why: "it speaks to the base through the client"},
	"connectors/onec/infobase":        {mayImport: []string{"connectors", "connectors/onec", "leads", "configs"}, why: "profiles are data and ship beside the settings"},
	"connectors/onec/odata":           {why: "a client worth publishing alone"},
	"connectors/onec/onectest":        {why: "a base that stands on its own, or it would share the mistakes of the client it tests"},
	"connectors/catalog":              {mayImport: []string{"connectors", "connectors/<channel>", "connectors/<channel>/<provider>", "connectors/onec/infobase"}},
	"connectors/registry":             {mayImport: []string{"connectors", "internal/postgres"}},

	"reports":       {mayImport: []string{"internal/postgres"}},
	"reports/excel": {mayImport: []string{"reports"}},

	"web": {
		mayImport: []string{"leads", "leads/repository", "processes", "processes/bpmn", "processes/casework", "processes/engine", "reports", "reports/excel", "connectors", "connectors/charset", "connectors/registry", "pipeline/delivery", "internal/staff", "internal/postgres", "internal/blobs"},
		why:       "a route map is drawn from bpmn, a refusal of the engine is shown with its missing steps, postgres says whether an error means that the database is away, and blobs keep the files of tasks",
	},

	"internal/postgres": {},
	"internal/localpg":  {},
	"internal/blobs":    {},
	"internal/workcal":  {},
	"internal/safedial": {},
	"internal/personal": {mayImport: []string{"internal/postgres"}, why: "it forgets a person in every room's tables in one transaction, and knows no room"},
	"internal/staff":    {mayImport: []string{"internal/postgres", "internal/workcal"}},
	"internal/demo":     {mayImport: []string{everything}, why: "it shows every room at work"},
	"internal/app":      {mayImport: []string{everything}, why: "the composition root"},
	"internal/bench":    {mayImport: []string{everything}, why: "it measures every room"},
	"internal/oracle":   {mayImport: []string{everything}, why: "a test of the whole"},
}

// wholes are imported by nobody but those who start them, or the whole would
// depend on itself.
var wholes = map[string][]string{
	"internal/app":    {"cmd/marshrut", "internal/demo", "internal/bench", "internal/oracle"},
	"internal/demo":   {"cmd/marshrut", "internal/bench", "internal/oracle"},
	"internal/bench":  {"cmd/marshrut"},
	"internal/oracle": {},
}

// simulators are called like helpers of tests, but the demo company and a command start them too.
var simulators = []string{"connectors/onec/onectest"}

// drivers are libraries that one package hides from the others.
var drivers = map[string]string{
	"github.com/segmentio/kafka-go":             "pipeline/kafka",
	"github.com/emersion/go-imap/v2/imapclient": "connectors/email",
	"github.com/emersion/go-imap/v2/imapserver": "internal/demo", // the demo company's mailbox
	"github.com/wneessen/go-mail":               "connectors/email",
	"github.com/jhillyerd/enmime":               "connectors/email",
	"github.com/xuri/excelize":                  "reports/excel",
}

// pure packages get time, chance and data as values.
var pure = []string{"leads", "processes/bpmn", "processes/engine", "processes/flowchart", "internal/workcal"}

// impure is what a pure package does not import.
var impure = []string{"github.com/jackc/pgx", "database/sql", "net/http", "os", "math/rand", "crypto/rand", "log/slog"}

// plainWords are names of providers that mean something else as well.
var plainWords = []string{"generic", "imap", "infobase"}
