package odata

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Node is a subscriber of an exchange plan, made by the administrator in 1C.
type Node struct {
	Plan string // ExchangePlan_Имя
	Ref  string // reference of the node, which is not the base's own
}

// ErrThisNode: the node stands for the base itself, which registers no changes for itself.
var ErrThisNode = errors.New("the node of the exchange plan is the base itself: make another one for us")

// NextMessage is the number of the message to ask for. The same one may be asked for
// again until it is acknowledged.
func (c *Client) NextMessage(ctx context.Context, n Node) (int64, error) {
	e, err := c.Get(ctx, n.Plan, n.Ref)
	if err != nil {
		return 0, err
	}
	if e.Text("ThisNode") == "true" {
		return 0, ErrThisNode
	}
	received, err := strconv.ParseInt(cmp.Or(e.Text("ReceivedNo"), "0"), 10, 64)
	if err != nil {
		return 0, &Error{Op: "GET " + n.Plan, Kind: NotOData, cause: ErrUnreadable}
	}
	return received + 1, nil
}

// SelectChanges gives what was changed for the node, as a message of that number. It is Atom
// whatever one asks for. A try that fails is not free for the base: it works on
// the registrations for minutes, so whoever calls waits longer each time.
func (c *Client) SelectChanges(ctx context.Context, n Node, message int64, yield func(Change) error) error {
	stopped := error(nil)
	read := func(status int, contentType string, body io.Reader) error {
		if strings.Contains(contentType, "text/html") {
			return &Error{Op: "POST SelectChanges", Kind: NotOData, Status: status}
		}
		feed := newWindow(body, c.options.MaxBody)
		err := decodeFeed(feed, func(ch Change) error {
			stopped = yield(ch)
			return stopped
		})
		switch {
		case err == nil || stopped != nil:
			return nil
		case feed.err != nil:
			return feed.err
		}
		return answer{status: status}.unreadable("POST SelectChanges")
	}
	_, err := c.once(ctx, call{method: http.MethodPost, path: "SelectChanges", query: c.point(n, message), accept: acceptAtom, long: true, body: []byte{}, read: read})
	if stopped != nil {
		return stopped
	}
	if e := new(Error); errors.As(err, &e) && e.Kind == Ambiguous {
		e.Kind = Unavailable // asking again gives the same
	}
	return err
}

// NotifyChangesReceived acknowledges a message: the base forgets what was in it. Only
// after everything in it is durable. A second time changes nothing.
func (c *Client) NotifyChangesReceived(ctx context.Context, n Node, message int64) error {
	_, err := c.once(ctx, call{method: http.MethodPost, path: "NotifyChangesReceived", query: c.point(n, message), body: []byte{}})
	return err
}

// point names the node by its address. The apostrophes inside are not doubled: live bases take it so.
func (c *Client) point(n Node, message int64) Query {
	return Query{"DataExchangePoint='" + c.base + "/" + n.Plan + "(" + GUID(n.Ref) + ")'", "MessageNo=" + strconv.FormatInt(message, 10)}
}
