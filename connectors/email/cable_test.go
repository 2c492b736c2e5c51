package email

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// cable leads to a server and can be cut: behind so many bytes of an answer, or where something is in it.
type cable struct {
	addr string

	mu     sync.Mutex
	budget int    // bytes the server may still say; -1: as many as it wants
	word   string // is not let through; ""
}

func newCable(t testing.TB, to string) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{addr: listener.Addr().String(), budget: -1}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go c.lead(conn, to)
		}
	}()
	return c
}

// cutAfter lets the server say so many bytes more, over all connections.
func (c *cable) cutAfter(bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.budget = bytes
}

// cutAt cuts wherever the server says a word.
func (c *cable) cutAt(word string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.word = word
}

func (c *cable) lead(near net.Conn, to string) {
	defer near.Close()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	go func() {
		defer far.Close()
		pipe(near, far, func(b []byte) ([]byte, bool) { return b, true })
	}()
	pipe(far, near, c.pass)
}

// pass gives what of b goes through, and whether the line holds.
func (c *cable) pass(b []byte) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.word != "" {
		if at := bytes.Index(b, []byte(c.word)); at >= 0 {
			return b[:at], false
		}
	}
	if c.budget < 0 {
		return b, true
	}
	n := min(len(b), c.budget)
	c.budget -= n
	return b[:n], n == len(b)
}

func pipe(from, to net.Conn, pass func([]byte) ([]byte, bool)) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		passed, holds := pass(buffer[:n])
		if _, broken := to.Write(passed); broken != nil || err != nil || !holds {
			return
		}
	}
}
