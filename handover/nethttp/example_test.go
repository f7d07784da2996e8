package nethttp_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/baton-project/baton/handover/nethttp"
)

// A program that reloads itself at HUP, or as "program reload", and becomes another
// version as "program upgrade". Its clients keep their connections.
func Example() {
	s := &nethttp.Server{
		Name: "hello", Addr: "127.0.0.1:8082", PIDFile: "/tmp/hello.pid", Workers: 2,
		New: func() *http.Server {
			return &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintln(w, "hello from", os.Getpid())
			})}
		},
	}
	if len(os.Args) > 1 {
		s.Command = os.Args[1]
	}
	os.Exit(s.Main())
}

// A connection that was hijacked goes on in the worker that comes after. What it was
// about is its state: here, how many bytes it has had.
func ExampleConn_Follow() {
	count := func(c *nethttp.Conn, n int) {
		defer c.Close()
		c.Follow("counter", func() []byte { return fmt.Append(nil, n) })
		buf := make([]byte, 4096)
		for {
			m, err := c.Read(buf)
			if errors.Is(err, nethttp.ErrMoved) {
				return // the other worker's Resume has it
			}
			if err != nil {
				return
			}
			n += m
			if _, err := fmt.Fprintln(c, n); err != nil {
				return
			}
		}
	}
	s := &nethttp.Server{
		Addr: "127.0.0.1:8083", PIDFile: "/tmp/counter.pid",
		New: func() *http.Server {
			return &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
				if _, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: counter\r\n\r\n"); err == nil {
					count(c.(*nethttp.Conn), 0)
				}
			})}
		},
		Resume: map[string]func(*nethttp.Conn, []byte){"counter": func(c *nethttp.Conn, state []byte) {
			n := 0
			_, _ = fmt.Sscan(string(state), &n) // it is ours
			count(c, n)
		}},
	}
	os.Exit(s.Main())
}
