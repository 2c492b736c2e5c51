package leads

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestASumIsReadAsPeopleWriteIt(t *testing.T) {
	for raw, want := range map[string]string{
		"12000": "12000 ", "12 000,50 ₽": "12000.5 RUB", "12.000,50": "12000.5 ", "12,000.50": "12000.5 ", "1 234 567": "1234567 ",
		"1.234.567": "1234567 ", "1'234'567.80": "1234567.8 ", "12\u00a0000\u202fруб.": "12000 RUB", "1,5 млн": "1500000 ", "1,5 млн руб.": "1500000 RUB",
		"300 тыс.": "300000 ", "300 т.р.": "300000 RUB", "$99.90": "99.9 USD", "99,90 €": "99.9 EUR", "0": "0 ", "0,00": "0 ", "007": "7 ",
		"5000 р": "5000 RUB", "RUB 5000": "5000 RUB", "500.00": "500 ", "1500 KZT": "1500 KZT", "12000.5": "12000.5 ",
	} {
		amount, currency, ok := ParseMoney(raw)
		if got := fmt.Sprint(amount, " ", currency); !ok || got != want {
			t.Errorf("%q: got %q, %v; want %q", raw, got, ok, want)
		}
	}
}

func TestASumThatCanBeReadInTwoWaysIsNotGuessed(t *testing.T) {
	for _, raw := range []string{"", "₽", "12.000", "12,000", "от 5000", "5-7 тыс", "5000-7000", "-100", "1.23.45", "12 00", "1,2,3", "десять тысяч",
		"5000 коров", "$5 €", "12,345.678", "99999999999999999", "1e9", "0x10", "50%", "1 000 000,999"} {
		if amount, _, ok := ParseMoney(raw); ok {
			t.Errorf("%q: got %s", raw, amount)
		}
	}
}

func TestAnAmountIsExact(t *testing.T) {
	sum := Amount{}
	for range 10 {
		tenth, _ := NewAmount("0.1")
		sum = sum.Add(tenth)
	}
	one, _ := NewAmount("1.00")
	if sum != one || sum.String() != "1" || sum.Compare(one) != 0 {
		t.Errorf("ten tenths are %s", sum)
	}
	b, err := json.Marshal(map[string]Amount{"a": sum, "zero": {}})
	if err != nil || string(b) != `{"a":"1","zero":"0"}` {
		t.Errorf("got %s, %v", b, err)
	}
}

func TestAnAmountOfTheAPIIsDigitsOrNothing(t *testing.T) {
	for _, raw := range []string{`"1 000"`, `"-1"`, `"1,5"`, `""`, `"1.00000"`, `true`, `1e3`, `[]`} {
		var a Amount
		if err := json.Unmarshal([]byte(raw), &a); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %s, %v", raw, a, err)
		}
	}
	var a, b Amount
	if json.Unmarshal([]byte(`"12000.50"`), &a) != nil || json.Unmarshal([]byte(`12000.5`), &b) != nil || a != b || !a.Money() {
		t.Errorf("got %s and %s", a, b)
	}
	if fine, _ := NewAmount("0.001"); fine.Money() {
		t.Error("a tenth of a kopeck is no money")
	}
}

func TestAddingIsWhatArithmeticSays(t *testing.T) {
	number := rapid.StringMatching(`\d{1,12}(\.\d{1,4})?`)
	rapid.Check(t, func(t *rapid.T) {
		x, y := number.Draw(t, "x"), number.Draw(t, "y")
		a, errA := NewAmount(x)
		b, errB := NewAmount(y)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		rx, _ := new(big.Rat).SetString(x)
		ry, _ := new(big.Rat).SetString(y)
		sum, _ := new(big.Rat).SetString(a.Add(b).String())
		if sum.Cmp(new(big.Rat).Add(rx, ry)) != 0 || a.Compare(b) != rx.Cmp(ry) || a.Add(b) != b.Add(a) {
			t.Fatalf("%s + %s is %s", x, y, a.Add(b))
		}
	})
}

func FuzzAmount(f *testing.F) {
	for _, s := range []string{"12 000,50 ₽", "1,5 млн", "т.р.", "", "9999999999999999.99", "\xff", "1.234.567,8"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		amount, ok := ParseAmount(raw)
		if !ok {
			return
		}
		again, err := NewAmount(amount.String())
		if err != nil || again != amount || !amount.Money() {
			t.Errorf("%q became %q, %v", raw, amount, err)
		}
	})
}
