// Package charset reads bytes as text, whatever charset they are said to be in: Russian letters and forms come in five, and
// half of what is declared is wrong. It does not know what the text is for; email and webform read letters and forms by it.
package charset

import (
	"bytes"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// cyrillic are the encodings Russian letters come in, the likeliest first.
var cyrillic = []encoding.Encoding{charmap.Windows1251, charmap.KOI8R, charmap.CodePage866, charmap.ISO8859_5, charmap.MacintoshCyrillic}

// Decode gives text as UTF-8, whatever charset was declared: bytes that are UTF-8 are
// UTF-8 (they are so by chance as good as never), others are what they make sense in. A
// declaration is one opinion among others, because half of the wrong letters have a wrong one.
func Decode(raw []byte, declared string) string {
	raw = bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF"))
	if !eightBit(raw) && utf7Name.MatchString(declared) {
		return fromUTF7(string(raw))
	}
	if !eightBit(raw) && !escapes(declared) {
		return string(raw)
	}
	stated := named(declared)
	switch {
	case escapes(declared) && stated != nil:
		return as(stated, raw)
	case utf8.Valid(raw), mostlyUTF8(raw, declared):
		return strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	if text, ok := russian(raw, stated); ok {
		return text
	}
	if stated == nil {
		stated = charmap.Windows1252
	}
	return as(stated, raw)
}

// eightBit reports whether there is anything to decode.
func eightBit(raw []byte) bool {
	return bytes.IndexFunc(raw, func(r rune) bool { return r >= 0x80 }) >= 0
}

// escapes tells of encodings that look like ASCII.
func escapes(declared string) bool {
	return strings.HasPrefix(strings.ToLower(declared), "iso-2022") || strings.HasPrefix(strings.ToLower(declared), "hz-")
}

var utf8Name = regexp.MustCompile(`(?i)^[\s"']*utf-?8\b`)

// mostlyUTF8 tells UTF-8 with a cut letter or stray bytes from other encodings: the more of them, when that is declared.
func mostlyUTF8(raw []byte, declared string) bool {
	good, bad, doubt := 0, 0, 3
	if utf8Name.MatchString(declared) {
		doubt = 1
	}
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		switch {
		case r == utf8.RuneError && size == 1:
			bad++
		case r >= 0x80:
			good++
		}
		raw = raw[size:]
	}
	return good > doubt*bad
}

var charsetNoise = regexp.MustCompile(`[^a-z0-9]+`)

// named finds the encoding of a declared name, however it is written; nil for names that say nothing.
func named(declared string) encoding.Encoding {
	name := strings.ToLower(strings.Trim(declared, " \t\"'"))
	name, _, _ = strings.Cut(strings.TrimPrefix(name, "charset="), "*")
	switch charsetNoise.ReplaceAllString(name, "") {
	case "", "ascii", "usascii", "iso88591", "latin1", "default", "unknown8bit", "xunknown", "utf8", "binary":
		return nil
	case "cp1251", "win1251", "windows1251", "xcp1251", "1251":
		return charmap.Windows1251
	case "koi8", "koi8r", "koi", "cskoi8r":
		return charmap.KOI8R
	case "cp866", "ibm866", "dos866", "866":
		return charmap.CodePage866
	case "xmaccyrillic", "maccyrillic":
		return charmap.MacintoshCyrillic
	case "gb2312", "gbk", "cp936":
		name = "gb18030"
	case "ksc56011987", "cp949":
		name = "euc-kr"
	}
	found, err := htmlindex.Get(name)
	if err != nil {
		return nil
	}
	return found
}

func as(e encoding.Encoding, raw []byte) string {
	text, err := e.NewDecoder().Bytes(raw)
	if err != nil {
		return strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	return string(text)
}

// russian gives bytes in the Cyrillic encoding in which they read like Russian; false when in none.
func russian(raw []byte, stated encoding.Encoding) (string, bool) {
	e, score := Russian(raw, stated)
	// An encoding of another language was declared: only bytes that surely are Russian make a liar of it.
	if e == nil || stated != nil && !slices.Contains(cyrillic, stated) && score <= sure {
		return "", false
	}
	return as(e, raw), true
}

// Russian picks the Cyrillic encoding in which bytes read like Russian, with how well, in log-likelihood per letter; nil
// when in none. What is stated has the first word: it is another only when it reads much better.
func Russian(raw []byte, stated encoding.Encoding) (encoding.Encoding, float64) {
	sample := raw[:min(len(raw), 8<<10)]
	var found encoding.Encoding
	best := likely
	for _, e := range cyrillic {
		if score := readsRussian(as(e, sample)) + headStart(e, stated, len(sample)); score > best {
			best, found = score, e
		}
	}
	return found, best
}

const (
	likely = -4.2 // per letter; Russian text has about -3.1, random letters about -4.9
	sure   = -3.5
)

// headStart is what an encoding is believed before anything is read: the one that was declared the more, the less there is
// to read; Macintosh's, in which small letters are those of windows-1251, hardly.
func headStart(e, stated encoding.Encoding, bytes int) float64 {
	switch {
	case e == stated:
		return 0.15 + 2/float64(max(bytes, 1))
	case e == charmap.MacintoshCyrillic:
		return -0.5
	}
	return 0
}

// frequency of letters in Russian, per ten thousand.
var frequency = map[rune]float64{
	'о': 1097, 'е': 845, 'а': 801, 'и': 735, 'н': 670, 'т': 626, 'с': 547, 'р': 473, 'в': 454, 'л': 440, 'к': 349,
	'м': 321, 'д': 298, 'п': 281, 'у': 262, 'я': 201, 'ы': 190, 'ь': 174, 'г': 170, 'з': 165, 'б': 159, 'ч': 144,
	'й': 121, 'х': 97, 'ж': 94, 'ш': 73, 'ю': 64, 'ц': 48, 'щ': 36, 'э': 32, 'ф': 26, 'ъ': 4, 'ё': 4,
	'і': 20, 'ї': 10, 'є': 10, 'ґ': 1,
}

// readsRussian is the mean log-likelihood of the letters beyond ASCII. What one encoding looks like in another counts
// against it: a capital behind a small letter, a Cyrillic letter beside a Latin one, signs nobody types, a soft sign behind a vowel.
func readsRussian(text string) float64 {
	sum, n, consonants := 0.0, 0, 0
	var last rune
	for _, r := range text {
		if r >= 0x80 {
			n++
			sum += plausible(last, r)
		} else if unicode.IsLetter(r) && unicode.Is(unicode.Cyrillic, last) {
			sum -= 3
		}
		if consonants++; !strings.ContainsRune(hard, unicode.ToLower(r)) {
			consonants = 0
		}
		if consonants > 3 {
			sum -= 2
		}
		last = r
	}
	if n == 0 {
		return math.Inf(-1)
	}
	return sum / float64(n)
}

const (
	hard   = "бвгджзклмнпрстфхцчшщ"
	vowels = "аеёиоуыэюяіїє"
)

func plausible(last, r rune) float64 {
	lower := unicode.ToLower(r)
	share, known := frequency[lower]
	switch {
	case strings.ContainsRune("«»—–…№“”„’\u00a0•©", r):
		return -4
	case !known:
		return -10
	}
	score := math.Log(share / 10000)
	if last < 0x80 && unicode.IsLetter(last) {
		score -= 4
	}
	if strings.ContainsRune("ьъы", lower) && (!unicode.IsLetter(last) || strings.ContainsRune(vowels, unicode.ToLower(last))) {
		score -= 4
	}
	switch {
	case r == lower:
	case unicode.IsLower(last):
		score -= 5
	case unicode.IsUpper(last):
		score -= 0.3
	default:
		score -= 0.7
	}
	return score
}
