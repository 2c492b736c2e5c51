package edge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"marshrut/connectors"
	"marshrut/leads"
	"marshrut/pipeline"
)

// read takes the body within its bound. release gives its memory back to the others.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), no refusal) {
	limit := int64(maxBody)
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); strings.HasPrefix(media, "multipart/") {
		limit = maxMultipart
	}
	tooLarge := refusal{status: http.StatusRequestEntityTooLarge, reason: "too_large", words: "too large"}
	if r.ContentLength > limit {
		return nil, nil, tooLarge
	}
	weight := r.ContentLength
	if weight < 0 {
		weight = limit // chunked: nobody knows
	}
	if !h.held.TryAcquire(weight) {
		return nil, nil, refusal{http.StatusServiceUnavailable, "busy", time.Second, "too many large requests at once"}
	}
	release = func() { h.held.Release(weight) }
	body, err := readAll(http.MaxBytesReader(w, r.Body, limit), r.ContentLength)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		release()
		return nil, nil, tooLarge
	case err != nil:
		release()
		return nil, nil, refusal{status: http.StatusBadRequest, reason: "aborted", words: "the body broke off"}
	}
	return body, release, refusal{}
}

// readAll reads into a buffer of the announced size, so that it is not grown by copying.
func readAll(r io.Reader, announced int64) ([]byte, error) {
	var b bytes.Buffer
	if announced > 0 {
		b.Grow(int(announced) + bytes.MinRead)
	}
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// safeReceive asks the connection, whatever it does with the bytes of strangers.
func safeReceive(c *connectors.Connected, r connectors.Request) (receipt connectors.Receipt, err error) {
	receiver, ok := c.Instance.(connectors.Receiver)
	if !ok {
		return connectors.Receipt{}, nil
	}
	defer func() {
		if p := recover(); p != nil {
			receipt, err = connectors.Receipt{}, fmt.Errorf("connector panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return receiver.Receive(r)
}

// keep makes the event durable: first what it only refers to, then the event.
func (h *Handler) keep(ctx context.Context, event *pipeline.Event, r connectors.Request) error {
	// The sender may hang up; what he sent is kept all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.Budget)
	defer cancel()
	if found := attachments(r.Body, r.ContentType); len(found) > 0 || len(event.Data) > inlineBody {
		if err := h.deposit(ctx, event, found, connectors.Fingerprint(r)); err != nil {
			return err
		}
	}
	if err := h.Publisher.Publish(ctx, *event); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// deposit stores the attachments and a body that is too large to travel, under the
// same names each time the same is sent, and leaves references in the event.
func (h *Handler) deposit(ctx context.Context, event *pipeline.Event, found []attachment, fingerprint []byte) error {
	folder := event.Time.UTC().Format("2006/01/02/") + hex.EncodeToString(fingerprint)
	var files []connectors.File
	for i, f := range found {
		f.Ref = fmt.Sprintf("files/%s/%d", folder, i)
		if err := h.Store(ctx, f.Ref, bytes.NewReader(f.data)); err != nil {
			return fmt.Errorf("keep attachment %d: %w", i, err)
		}
		files = append(files, f.File)
	}
	if err := connectors.SetFiles(event, files); err != nil {
		return fmt.Errorf("note attachments: %w", err)
	}
	if len(event.Data) <= inlineBody {
		return nil
	}
	event.DataRef = "raw/" + folder
	if err := h.Store(ctx, event.DataRef, bytes.NewReader(event.Data)); err != nil {
		return fmt.Errorf("keep the body: %w", err)
	}
	event.Data = nil
	return nil
}

// maxAttachments bounds the files of one form.
const maxAttachments = 50

type attachment struct {
	connectors.File
	data []byte
}

// attachments finds the files of a multipart body. One that cannot be read has none:
// its bytes are kept anyway.
func attachments(body []byte, contentType string) []attachment {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		return nil
	}
	var files []attachment
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for len(files) < maxAttachments {
		part, err := r.NextRawPart()
		if err != nil {
			return files
		}
		name := part.FileName()
		if name == "" {
			continue
		}
		data, err := io.ReadAll(part)
		if len(data) == 0 {
			continue // an input that was left empty
		}
		files = append(files, attachment{connectors.File{Name: fileName(name), Type: part.Header.Get("Content-Type"), Size: int64(len(data))}, data})
		if err != nil {
			return files
		}
	}
	return files
}

// fileName is a name in letters.
func fileName(name string) string {
	if !utf8.ValidString(name) {
		name, _ = charmap.Windows1251.NewDecoder().String(name)
	}
	return cmp.Or(leads.FileName(name), "file")
}

// remote is the address of the sender, as far as we believe it.
func (h *Handler) remote(r *http.Request) netip.Addr {
	if h.ClientIP != nil {
		return h.ClientIP(r)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, _ := netip.ParseAddr(host)
	return ip.Unmap()
}
