package email

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"marshrut/internal/corpustest"
)

// real is what a letter of the collection has to give. Text is how it begins.
type real struct {
	from, subject, text string
	kind                Kind
	files               []string
}

var letters = map[string]real{
	"01": {"james@makita.skynet", "plain text", "Using Unicode/UTF-8, you can write", Human, nil},
	"02": {"james@makita.skynet", "plain text", "A plain text email", Human, nil},
	"03": {"james@makita.skynet", "Attachment", "Hello World!", Human, nil},
	"04": {"james@makita.skynet", "Attachment", "A text section", Human, []string{"foo_9E5D72.zip"}},
	"05": {"james@makita.skynet", "Attachment", "A text section", Human, []string{"some.doc"}},
	"06": {"james@makita.skynet", "Attachment", "A text section", Human, []string{"7DDA4_foo_9E5D72.zip"}},
	"07": {"james@makita.skynet", "plain text", "A text section", Human, nil},
	"08": {"james@makita.skynet", "Attachment", "A text section", Human, []string{"foo_9E5D72.zip"}},
	"09": {"james@makita.skynet", "MIME test 1", "Test of HTML section", Human, []string{"favicon.png"}},
	"10": {"pavel.bazika@some.domain", "Malformed test", "Text part", Human, []string{"管理.doc"}},
	"11": {"james@hillyerd.com", "test Sun, 14 Oct 2012 16:09:01 -0700", "This is a test mailing", Human, nil},
	"12": {"james@hillyerd.com", "test Sun, 14 Oct 2012 16:09:01 -0700", "Unencoded Euro Sign", Human, nil},
	"13": {"", "Test", "Simple text.", Human, []string{"test.pdf"}}, // bob@extern cannot be written to
	"14": {"mailer-daemon@example.com", "Delivery Status Notification (Failure)", "I'm  multipart message without boundary", Bounce, nil},
	"15": {"bookings@easyhotel.com", "Confirmation of Booking with easyHotel", "Thank you for booking with easyHotel.", Human, []string{"Invoice_302232133150612.pdf"}},
	"16": {"jamehi03@jamehi03lx.noa.com", "MIME UTF8 Test ¢ More Text", "Lorem ipsum dolor", Human, nil},
	"17": {"mailer-daemon@cs.utk.edu", "Returned mail: Cannot send message for 5 days", "[human-readable", Bounce, nil},
	"18": {"postmaster@nsfnet-relay.ac.uk", `WARNING: message delayed at "nsfnet-relay.ac.uk"`, "[human-readable", Delay, nil},
	"19": {"support@part-kom.ru", "Свежий прайс-лист", "", Human, []string{"Price4VladDaKar.xlsx"}},
	"20": {"mailer-daemon@sslproxy01.your-server.de", "Mail delivery failed", "This message was created automatically", Bounce, nil},
	"22": {"from@here.com", "Nuu", "Hi", Human, nil},
	"23": {"", "Nuu", "Hi", Human, nil},
	"25": {"", "", "Hi\nHow are you?", Human, nil},
	"26": {"", "", "", Human, []string{"Prostřeno_2014_poslední volné termíny.xls"}},
	"27": {"demo@cerstor.cz", "embedded message", "email that contains embedded message", Human, []string{"demo.eml"}},
	"28": {"info@bla.bla", "Submit your tax refund | Australian Taxation Office.", ")", Human, nil},
	"29": {"from@there.com", "test", "Hi!", Human, nil},
	"30": {"from@there.com", "Nuu", "Hi", Human, nil},
	"34": {"no-reply@crm.el-example.org", "eBay Bid - 2008 Ford Super Duty F-350 DRW King Ranch Crew Cab 4x4 (156) - Stock# XXXX", "Body Text", Notification, nil},
	"35": {"yusuf75thu@auracom.net", "[0]: XXXXXXX XXXXX XXXXX !", "Filter2: This message has been scanned", Human, nil},
	"36": {"enews@free-quilting.com", "40% OFF holiday patterns and fabric!", "", Human, nil},
	"37": {"ak@g.com", "illegal copy of our patient education software", "", Newsletter, nil},
	"38": {"redacted@flashmail.net", "Redacted", "foo", Human, nil},
	"39": {"l@gcn-example.com", "[Online Lead] Online Lead #1111111", `<?xml version="1.0"`, Human, nil},
	"40": {"info@here2there-travelers-msgs.net", "Impress your clients with a business phone\uFFFD\uFFFD\uFFFD", "", Human, nil}, // lost before we got it
	"41": {"info@formacaofrenetik.info", "Formação FrenetikPolis: Mega Campanha Final Verão | Cursos de Setembro", "TEST", Human, nil},
	"42": {"tester1@test.com", "Sending messages include last little bit", "When sending email:", Human, nil},
	"47": {"", "A simple subject", "", Human, []string{"Список.doc"}},
	"51": {"xxx@gmail.com", "Re: Test", "Hello", Human, nil},
	"52": {"me@example.com", "Test", "Hello", Human, nil},
	"53": {"xxx@gmail.com", "Re: Test", "Hello", Human, nil},
	"54": {"xxx@hotmail.com", "RE: Test", "Hello", Human, nil},
	"55": {"xxx@example.com", "Re: You've got a new booking inquiry!", "Hi Katharine. Sounds great.", Human, nil},
	"56": {"mailer-daemon@corp.mail.ru", "Ваше сообщение не доставлено. Mail failure.", "Это письмо создано автоматически сервером", Bounce, nil},
	"57": {"mailer-daemon@yandex.ru", "Недоставленное сообщение", "**********\n\nЭто письмо отправлено", Bounce, nil},
	"59": {"nekonyaan@example.org", "Automatic reply: Nyaan", "I'm out of the office Friday.", AutoReply, nil},
}

func TestEachRealLetterGivesItsSenderSubjectTextAndFiles(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(corpustest.Folder("mail"), "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		name := filepath.Base(path)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, known := letters[name[:2]]
		if !known {
			t.Errorf("%s is not in the table", name)
			continue
		}
		l := Parse(raw)
		var files []string
		for _, f := range l.Files {
			files = append(files, f.Name)
		}
		got := real{l.From.Mail, l.Subject, l.Text, Classify(l), files}
		if got.from != want.from || got.subject != want.subject || got.kind != want.kind || !slices.Equal(got.files, want.files) ||
			!strings.HasPrefix(got.text, want.text) || want.text == "" && got.text != "" {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

func TestTheAnswerOfARealLetterIsPartedFromWhatItAnswers(t *testing.T) {
	folder := corpustest.Folder("mail")
	for name, want := range map[string]string{"51_talon_gmail": "Hello", "52_talon_outlook": "Hello", "53_talon_iphone": "Hello"} {
		raw, err := os.ReadFile(filepath.Join(folder, name+".eml"))
		if folder == "" || err != nil {
			return
		}
		l := Parse(raw)
		if visible, folded := Fold(l.Text, l.Quote); visible != want || folded == "" {
			t.Errorf("%s: %q, folded %q", name, visible, folded)
		}
	}
	quotes, _ := filepath.Glob(filepath.Join(folder, "quotes_txt", "*.txt"))
	for _, path := range quotes {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(raw), "\r\n", "\n")
		visible, folded := Fold(text, 0)
		forward := strings.Contains(path, "forward") || strings.Contains(path, "inline")
		if visible == "" || forward != (folded == "") {
			t.Errorf("%s: visible %q, folded %d bytes", filepath.Base(path), visible, len(folded))
		}
	}
}
