package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/emersion/go-imap/v2"
)

// What a server does without saying so.
var (
	errSilent = errors.New("the server does not answer")
	errHungUp = errors.New("the server has closed the connection")
	// A letter is given as nothing when the server cannot read it, or when somebody has deleted it (RFC 2180, 4.1.2). A new
	// connection tells which.
	errNothing = errors.New("the server gives nothing of it")
)

// told is an error in words for whoever repairs the connection. What it came of can still be asked of it.
type told struct {
	words string
	cause error
}

func (t told) Error() string { return t.words }
func (t told) Unwrap() error { return t.cause }

// tell says what could not be done, and why. Both sentences get the same arguments.
func tell(language string, cause error, ru, en string, args ...any) error {
	return told{fmt.Sprintf(say(language, ru, en), args...) + ": " + why(language, cause), cause}
}

// why puts into words what a network and a mail server answer. What is not known here is left as it is.
func why(language string, err error) string {
	var internal interface{ InternalNetwork() netip.Addr }
	var timeout net.Error
	var refused *imap.Error
	switch {
	case errors.As(err, &internal):
		return say(language, "это адрес внутренней сети, шлюзу он не открыт: администратор добавляет его в outgoing.allow", "an address of an internal network that is not open to the gateway: its administrator adds it to outgoing.allow")
	case errors.As(err, &refused):
		return fmt.Sprintf(say(language, "сервер отвечает «%s»", `the server answers "%s"`), refused.Text)
	case errors.Is(err, errNothing):
		return say(language, "вместо него сервер отдаёт пустоту", "the server gives nothing of it")
	case errors.Is(err, errSilent), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return say(language, "сервер не отвечает", "the server does not answer")
	case errors.As(err, new(*net.DNSError)):
		return say(language, "сервера с таким именем нет: проверьте имя", "there is no server of this name: check it")
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return say(language, "сертификат сервера не прошёл проверку: "+err.Error(), "the certificate of the server is not accepted: "+err.Error())
	case errors.As(err, new(tls.RecordHeaderError)):
		return say(language, "сервер отвечает без TLS: проверьте порт и защиту соединения", "the server speaks without TLS: check the port and the security of the connection")
	case errors.Is(err, syscall.ECONNREFUSED):
		return say(language, "соединение не принято: проверьте порт и работает ли сервер", "the connection was not accepted: check the port, and whether the server runs")
	case cutOff(err):
		return say(language, "сервер прервал соединение", "the server has closed the connection")
	}
	return err.Error()
}

// cutOff reports a connection that ended in the midst of something.
func cutOff(err error) bool {
	for _, end := range []error{errHungUp, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
