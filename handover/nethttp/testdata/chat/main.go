// Chat answers / and echoes what comes over connections upgraded at /echo. Neither
// notices "chat ADDR PIDFILE reload" or "chat ADDR PIDFILE upgrade".
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/baton-project/baton/handover/nethttp"
)

func main() {
	s := &nethttp.Server{
		Name: "chat", Addr: os.Args[1], PIDFile: os.Args[2], Workers: 2,
		New: func() *http.Server {
			mux := http.NewServeMux()
			mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "worker", os.Getpid()) })
			mux.HandleFunc("/post", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
			mux.HandleFunc("/echo", upgrade)
			return &http.Server{Handler: mux}
		},
		Resume: map[string]func(*nethttp.Conn, []byte){
			"echo": func(c *nethttp.Conn, unread []byte) { echo(c, unread) },
		},
	}
	if len(os.Args) > 3 {
		s.Command = os.Args[3]
	}
	os.Exit(s.Main())
}

func upgrade(w http.ResponseWriter, _ *http.Request) {
	c, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
	unread, _ := buf.Reader.Peek(buf.Reader.Buffered())
	echo(c.(*nethttp.Conn), unread)
}

// echo sends back what comes, until the client has gone, or the connection has moved.
func echo(c *nethttp.Conn, unread []byte) {
	defer c.Close()
	if _, err := c.Write(unread); err != nil {
		return
	}
	c.Follow("echo", nil)
	_, _ = io.Copy(struct{ io.Writer }{c}, c)
}
