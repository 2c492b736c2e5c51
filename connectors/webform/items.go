package webform

import (
	"regexp"
	"slices"
	"strings"

	"marshrut/leads"
)

// carts are the groups in which orders list what was bought.
var carts = []string{"items", "products", "cart", "goods", "basket"}

// maxItems bounds the lines of one order.
const maxItems = 200

// items reads the lines of an order: products[0][name], items.0.price, or lines of
// text as shop mails write them.
func items(f Form) []leads.Item {
	var order []string
	lines := map[string]map[string]string{}
	for _, field := range f.Fields {
		at := cartAt(field)
		if at < 0 {
			continue
		}
		id := strings.Join(field.Path[:at+2], ".")
		if lines[id] == nil {
			if len(order) >= maxItems {
				continue
			}
			lines[id] = map[string]string{}
			order = append(order, id)
		}
		leaf := ""
		if len(field.Path) > at+2 {
			leaf = strings.ToLower(field.Path[at+2])
		}
		if lines[id][leaf] == "" {
			lines[id][leaf] = field.Value
		}
	}
	var all []leads.Item
	for _, id := range order {
		if item, ok := itemOf(lines[id]); ok {
			all = append(all, item)
		}
	}
	return all
}

// cartAt is where in the path the group of the order's lines stands, -1 if nowhere.
func cartAt(f Field) int {
	for at := 0; at <= 1 && at+1 < len(f.Path); at++ {
		if slices.Contains(carts, strings.ToLower(f.Path[at])) && isNumber(f.Path[at+1]) {
			return at
		}
	}
	return -1
}

func inCart(f Field) bool { return cartAt(f) >= 0 }

func itemOf(line map[string]string) (leads.Item, bool) {
	if text := line[""]; text != "" {
		return itemOfText(text), true
	}
	first := func(names ...string) string {
		for _, n := range names {
			if v := line[n]; v != "" {
				return v
			}
		}
		return ""
	}
	item := leads.Item{Name: leads.Fold(first("name", "title", "product", "название", "наименование")), SKU: first("sku", "article", "артикул", "externalid", "vendor_code", "id")}
	if item.Name == "" {
		item.Name = item.SKU
	}
	if item.Name == "" {
		return item, false
	}
	item.Quantity = one
	if q, ok := leads.ParseAmount(first("quantity", "qty", "count", "количество", "kolvo")); ok && !q.IsZero() {
		item.Quantity = q
	}
	item.Price = money(first("price", "цена", "cost"))
	item.Sum = money(first("amount", "sum", "total", "сумма"))
	return item, true
}

var (
	one, _ = leads.NewAmount("1")
	// «Фильтр - 2x150 = 300» and «Фильтр: 300 (2 x 150)»
	timesEquals = regexp.MustCompile(`^(.+?)\s*[-–:]\s*(\d+)\s*[xх×*]\s*([\d\s.,]+?)\s*=\s*([\d\s.,]+)`)
	sumTimes    = regexp.MustCompile(`^(.+?)\s*[-–:]\s*([\d\s.,]+?)\s*\((\d+)[^x×х)]*[xх×]\s*([\d\s.,]+)\)`)
)

func itemOfText(text string) leads.Item {
	item := leads.Item{Name: leads.Fold(cut(text, 500)), Quantity: one}
	name, quantity, price, sum := "", "", "", ""
	if m := timesEquals.FindStringSubmatch(text); m != nil {
		name, quantity, price, sum = m[1], m[2], m[3], m[4]
	} else if m := sumTimes.FindStringSubmatch(text); m != nil {
		name, sum, quantity, price = m[1], m[2], m[3], m[4]
	} else {
		return item
	}
	if q, ok := leads.ParseAmount(quantity); ok && !q.IsZero() {
		item.Quantity = q
	}
	item.Name, item.Price, item.Sum = leads.Fold(name), money(price), money(sum)
	return item
}

func money(s string) *leads.Amount {
	a, ok := leads.ParseAmount(s)
	if !ok {
		return nil
	}
	return &a
}
