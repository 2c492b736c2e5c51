package leads

import "strings"

// Difference is one thing that two messages under the same id say differently. Key is that of the form's field, or the name of
// what every inquiry has: name, points, company, subject, text, product, amount.
type Difference struct {
	Key, Label string
	Was, Came  string
}

// Differences lists what came says otherwise than was, in the order of the fields.
func Differences(was, came Inquiry) []Difference {
	var list []Difference
	add := func(key, label, a, b string) {
		if a != b {
			list = append(list, Difference{key, label, a, b})
		}
	}
	add("name", "", was.Name, came.Name)
	add("points", "", pointsWritten(was.Points), pointsWritten(came.Points))
	add("company", "", was.Company, came.Company)
	add("subject", "", was.Subject, came.Subject)
	add("text", "", was.Text, came.Text)
	add("product", "", was.Product, came.Product)
	add("amount", "", amountWritten(was.Amount), amountWritten(came.Amount))
	known := map[string]string{}
	for _, f := range came.Fields {
		known[f.Key] = f.Value
	}
	for _, f := range was.Fields {
		if f.Known == "" { // what was recognised stands above
			add(f.Key, f.Label, f.Value, known[f.Key])
		}
		delete(known, f.Key)
	}
	for _, f := range came.Fields {
		if value, only := known[f.Key]; only && f.Known == "" {
			add(f.Key, f.Label, "", value)
		}
	}
	return list
}

func pointsWritten(points []ContactPoint) string {
	values := make([]string, len(points))
	for i, p := range points {
		values[i] = p.Value
	}
	return strings.Join(values, ", ")
}

func amountWritten(a *Amount) string {
	if a == nil {
		return ""
	}
	return a.Sum()
}
