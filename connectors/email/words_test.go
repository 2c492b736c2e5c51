package email

import (
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"syscall"
	"testing"

	"github.com/emersion/go-imap/v2"
)

func TestWhatANetworkAndAServerAnswerIsSaidInTheLanguageOfWhoeverRepairsTheConnection(t *testing.T) {
	refused := &imap.Error{Type: imap.StatusResponseTypeNo, Text: "нет такого письма"}
	for _, cause := range []error{
		errSilent, errHungUp, errNothing, io.ErrUnexpectedEOF, syscall.ECONNRESET, refused,
		&net.DNSError{Err: "no such host"}, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, &net.OpError{Op: "dial", Err: syscall.ETIMEDOUT},
	} {
		err := tell("ru", fmt.Errorf("in response: %w", cause), "письма от № %d не забираются", "fetch letters from %d on", 16)
		if regexp.MustCompile(`[A-Za-z]`).MatchString(err.Error()) {
			t.Errorf("%T is told as %q", cause, err)
		}
		if !errors.Is(err, cause) {
			t.Errorf("%q has lost what it came of", err)
		}
		if err := tell("en", cause, "", "fetch letters from %d on", 16); regexp.MustCompile(`^fetch letters from 16 on: .*[а-я]`).MatchString(err.Error()) && cause != error(refused) {
			t.Errorf("%T is told as %q", cause, err)
		}
	}
}
