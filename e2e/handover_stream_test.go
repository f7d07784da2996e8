package e2e_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// eventUpstream sends an event per millisecond, with a number, until the client has
// gone; a request for /sized has an answer of known size, /sized?close none.
func eventUpstream(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/sized") {
			w.Header().Set("Content-Length", fmt.Sprint(bigFile))
			_, _ = io.Copy(w, bytes.NewReader(numbered())) // the client may have gone
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(w, "data: %d\n\n", i); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Millisecond): // what an event stream is
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// numbered is a big file of which no two pieces are alike. It is made once: that takes
// long with the race detector, and the server waits.
var numbered = sync.OnceValue(func() []byte {
	b := make([]byte, 0, bigFile+16)
	for i := 0; len(b) < bigFile; i++ {
		b = append(strconv.AppendInt(b, int64(i+1e8), 10), '\n')
	}
	return b[:bigFile]
})

const streamSite = `
	daemon on; worker_processes 2;
	http {
		log_format streams "$status $bytes_sent $upstream_addr $upstream_bytes_received";
		access_log access.log streams;
		sendfile on;
		server { listen {{web}}; location / { proxy_pass http://UPSTREAM; MORE } }
	}`

// An event stream is one connection to the upstream and one to the client, whatever
// becomes of the workers, and no event is lost or comes twice.
func TestHandoverOfEventStreams(t *testing.T) {
	e2e.OnlyBaton(t, "nginx keeps the worker")
	for _, version := range []string{"1.0", "1.1"} {
		for name, event := range events {
			t.Run(name+" HTTP "+version, func(t *testing.T) {
				t.Parallel()
				more := "proxy_buffering off; proxy_http_version " + version + ";"
				b := e2e.Start(t, strings.NewReplacer("UPSTREAM", eventUpstream(t), "MORE", more).Replace(streamSite))
				var streams []*eventStream
				for range 4 {
					streams = append(streams, openEvents(t, b))
				}
				for range 2 {
					old := b.Workers()
					event(b)
					b.WaitGone(old, goneBound)
					for _, s := range streams {
						s.want(20)
					}
				}
				for _, s := range streams {
					s.conn.Close()
				}
				if !e2e.Eventually(goneBound, func() bool { return strings.Count(b.Read("access.log"), "\n") == len(streams) }) {
					t.Errorf("access log:\n%s", b.Read("access.log"))
				}
				for _, line := range strings.Split(strings.TrimSpace(b.Read("access.log")), "\n") {
					var status, sent, received int
					var address string
					if _, err := fmt.Sscan(line, &status, &sent, &address, &received); err != nil || sent < 400 || received < 400 {
						t.Errorf("access log: %q, %v", line, err)
					}
				}
			})
		}
	}
}

// A proxied download to a slow client goes on in the new worker, with what was read
// ahead in memory or in a file.
func TestHandoverOfProxiedDownloads(t *testing.T) {
	e2e.OnlyBaton(t, "nginx waits for the client")
	numbered()
	for name, more := range map[string]string{
		"buffered in a file": "", "unbuffered": "proxy_buffering off;", "without a file": "proxy_max_temp_file_size 0;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := e2e.Start(t, strings.NewReplacer("UPSTREAM", eventUpstream(t), "MORE", more).Replace(streamSite))
			conn := b.Dial("web").Conn()
			_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
			fmt.Fprint(conn, "GET /sized HTTP/1.1\r\nHost: localhost\r\n\r\n")
			in := bufio.NewReader(conn)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			body := readSlowly(t, b, resp.Body)
			if !bytes.Equal(body, numbered()) {
				t.Errorf("%d bytes of %d, or other ones", len(body), bigFile)
			}
			fmt.Fprint(conn, "GET /sized HTTP/1.1\r\nHost: localhost\r\n\r\n") // the connection is kept
			if _, err := http.ReadResponse(in, nil); err != nil {
				t.Error(err)
			}
			conn.Close()
		})
	}
}

// readSlowly reads a body, first slowly, until the workers that were there before a
// reload have gone.
func readSlowly(t *testing.T, b *e2e.Server, from io.Reader) []byte {
	t.Helper()
	var body bytes.Buffer
	if _, err := io.CopyN(&body, from, 1000); err != nil {
		t.Fatal(err)
	}
	old := b.Reload()
	for slices.ContainsFunc(old, e2e.Alive) {
		// As a client on a slow line does: the old worker is in the middle of writing.
		if n, err := io.CopyN(&body, from, 4000); err != nil {
			t.Fatalf("after %d bytes: %v; the old workers are still there", body.Len()+int(n), err)
		}
	}
	if body.Len() >= bigFile {
		t.Error("the body was complete before the old workers were gone")
	}
	if _, err := io.Copy(&body, from); err != nil {
		t.Fatal(err)
	}
	return body.Bytes()
}

// An eventStream is a client of eventUpstream.
type eventStream struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	next int
}

func openEvents(t *testing.T, b *e2e.Server) *eventStream {
	t.Helper()
	conn := b.Dial("web").Conn()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	fmt.Fprint(conn, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &eventStream{t: t, conn: conn, in: bufio.NewReader(resp.Body)}
	s.want(5)
	return s
}

// want reads n more events than have come so far, in their order.
func (s *eventStream) want(n int) {
	s.t.Helper()
	for range n {
		line, err := s.in.ReadString('\n')
		if want := fmt.Sprintf("data: %d\n", s.next); err != nil || line != want {
			s.t.Fatalf("%q in place of %q: %v", line, want, err)
		}
		if line, err = s.in.ReadString('\n'); err != nil || line != "\n" {
			s.t.Fatalf("%q behind an event: %v", line, err)
		}
		s.next++
	}
}
