package web

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
)

// bell tells the open pages of a person that something new waits for them (server-sent events, WHATWG HTML 9.2).
type bell struct {
	mu    sync.Mutex
	pages map[int64]map[chan struct{}]bool // by employee
}

// maxPages bounds what one person's open tabs may hold.
const maxPages = 20

func newBell() *bell { return &bell{pages: map[int64]map[chan struct{}]bool{}} }

func (b *bell) join(employee int64) (ring chan struct{}, leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pages[employee] == nil {
		b.pages[employee] = map[chan struct{}]bool{}
	}
	if len(b.pages[employee]) >= maxPages {
		return nil, func() {}
	}
	ring = make(chan struct{}, 1)
	b.pages[employee][ring] = true
	return ring, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.pages[employee], ring)
		if len(b.pages[employee]) == 0 {
			delete(b.pages, employee)
		}
	}
}

// ring never blocks: a page that has not read the last ring will look once and see both.
func (b *bell) ring(employee int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for page := range b.pages[employee] {
		select {
		case page <- struct{}{}:
		default:
		}
	}
}

// rings tells the other open pages of who has just changed something: they count anew, and those of other people do so by
// the notices they get.
func (s *Server) rings(handle personHandler) personHandler {
	return func(c *gin.Context, actor staff.Actor) error {
		err := handle(c, actor)
		s.bell.ring(actor.ID)
		return err
	}
}

// RunBell listens for notices until ctx ends. Run it beside the Handler.
func (s *Server) RunBell(ctx context.Context) error { return s.Staff.Listen(ctx, s.bell.ring) }

// heartbeat is well under the minute after which proxies close a silent connection.
const heartbeat = 20 * time.Second

// events keeps a connection open and says how many tasks wait and which calls are at the person's telephone, at first and
// whenever the bell rings.
func (s *Server) events(c *gin.Context, actor staff.Actor) error {
	ring, leave := s.bell.join(actor.ID)
	defer leave()
	if ring == nil {
		c.Status(http.StatusTooManyRequests)
		return nil
	}
	// The server's write timeout is for answers that end.
	if err := http.NewResponseController(c.Writer).SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("keep the connection of events open: %w", err)
	}
	c.Header("Content-Type", "text/event-stream")
	c.Header("X-Accel-Buffering", "no") // nginx would hold the events back
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		open, late := s.openTasks(c, actor)
		news, err := s.Staff.Unread(c.Request.Context(), actor.ID)
		if err != nil {
			return nil // the page connects again
		}
		fmt.Fprintf(c.Writer, "event: tasks\ndata: {\"open\":%d,\"late\":%d,\"news\":%d}\n\n", open, late, news)
		if calls, err := s.callsState(c.Request.Context(), actor); err == nil {
			fmt.Fprintf(c.Writer, "event: calls\ndata: %s\n\n", calls)
		}
		c.Writer.Flush()
		select {
		case <-c.Request.Context().Done():
			return nil
		case <-ring:
		case <-beat.C:
		}
	}
}
