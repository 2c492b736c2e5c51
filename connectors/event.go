package connectors

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"marshrut/pipeline"
)

// Names of the attributes an event gets at the door.
const (
	AttrMethod = "method"
	AttrPath   = "path"
	AttrQuery  = "query"
	AttrRemote = "remote"
	AttrFiles  = "files" // JSON list of File
	AttrHash   = "hash"  // hex of what tells a repeat from a conflict
	AttrTest   = "test"
	AttrSpam   = "spam"
	attrRepair = "repairs" // JSON object of field values
	headerAttr = "header-"
)

// keptHeaders travel with the event. A list of what to keep, so that a header with a secret never does.
var keptHeaders = []string{
	"User-Agent", "Referer", "Origin", "Accept-Language", "Content-Encoding", "X-Delivery-Id", "X-Request-Id", "Webhook-Id",
}

// NewEvent makes the event of something received: its identity is the vendor's id
// of it, else its content, the connection and the day of receipt in zone. The
// secrets of the connection are blanked. Body and files over the size that travels
// are the caller's to move to the blob store.
func NewEvent(c *Connected, r Request, receipt Receipt, zone *time.Location) pipeline.Event {
	hash := receipt.Hash
	if len(hash) == 0 {
		hash = Fingerprint(r)
	}
	e := pipeline.Event{
		ID:              identity(c.Name, r, receipt, hash, zone),
		Source:          "/connections/" + c.Name,
		Type:            "ru.marshrut.inquiry." + cmp.Or(receipt.Type, c.Connector),
		Subject:         receipt.VendorID,
		Time:            r.ReceivedAt,
		Key:             receipt.Key,
		Connection:      c.Name,
		Connector:       c.Connector,
		Provider:        c.Provider,
		DataContentType: r.ContentType,
		Data:            c.Redact(r.Body),
	}
	set := func(name, value string) {
		if value != "" {
			e.SetAttribute(name, c.RedactText(value))
		}
	}
	set(AttrMethod, r.Method)
	set(AttrPath, r.Path)
	set(AttrQuery, r.Query)
	if r.Remote.IsValid() {
		set(AttrRemote, r.Remote.String())
	}
	for _, name := range keptHeaders {
		set(headerAttr+strings.ToLower(name), r.Header.Get(name))
	}
	for name, value := range receipt.Attributes {
		set(name, value)
	}
	set(AttrHash, hex.EncodeToString(hash))
	if receipt.Test {
		set(AttrTest, "1")
	}
	if receipt.Spam {
		set(AttrSpam, "1")
	}
	return e
}

func identity(connection string, r Request, receipt Receipt, hash []byte, zone *time.Location) string {
	if receipt.VendorID != "" {
		return pipeline.ID(connection, "id", receipt.VendorID)
	}
	return pipeline.ID(connection, "body", string(hash), r.ReceivedAt.In(zone).Format(time.DateOnly))
}

// Fingerprint is SHA-256 over the parts of a request that carry content. The
// boundary of a multipart body is left out: browsers make a new one for every try.
func Fingerprint(r Request) []byte {
	h := sha256.New()
	for _, part := range []string{r.Path, r.Query} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	body := r.Body
	if _, params, err := mime.ParseMediaType(r.ContentType); err == nil && len(params["boundary"]) >= 8 {
		body = bytes.ReplaceAll(body, []byte(params["boundary"]), nil)
	}
	h.Write(body)
	return h.Sum(nil)
}

// RequestOf gives back what the event carries of the request it came as.
func RequestOf(e pipeline.Event) Request {
	r := Request{
		Method: e.Attributes[AttrMethod], Path: e.Attributes[AttrPath], Query: e.Attributes[AttrQuery],
		ContentType: e.DataContentType, Header: http.Header{}, Body: e.Data, ReceivedAt: e.Time,
	}
	if ip, err := netip.ParseAddr(e.Attributes[AttrRemote]); err == nil {
		r.Remote = ip
	}
	for name, value := range e.Attributes {
		if header, ok := strings.CutPrefix(name, headerAttr); ok {
			r.Header.Set(header, value)
		}
	}
	if files := e.Attributes[AttrFiles]; files != "" {
		_ = json.Unmarshal([]byte(files), &r.Files) // our own writing; without it the files are still in the body
	}
	if repairs := e.Attributes[attrRepair]; repairs != "" {
		_ = json.Unmarshal([]byte(repairs), &r.Repairs)
	}
	return r
}

// SetFiles notes the attachments that were stored for an event.
func SetFiles(e *pipeline.Event, files []File) error {
	if len(files) == 0 {
		return nil
	}
	text, err := json.Marshal(files)
	if err != nil {
		return err
	}
	e.SetAttribute(AttrFiles, string(text))
	return nil
}

// SetRepairs puts values in the place of what came, for a translation that is tried again.
func SetRepairs(e *pipeline.Event, repairs map[string]string) error {
	if len(repairs) == 0 {
		return nil
	}
	text, err := json.Marshal(repairs)
	if err != nil {
		return err
	}
	e.Attributes = maps.Clone(e.Attributes)
	e.SetAttribute(attrRepair, string(text))
	return nil
}
