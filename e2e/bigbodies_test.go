package e2e_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// allowance is how much a worker's memory may grow, in kB. The race detector's
// shadow takes several times what it watches.
func allowance() int {
	if e2e.RaceEnabled {
		return 256 << 10
	}
	return 48 << 10
}

// A registry takes blobs as one for images of containers does: an upload is
// begun, gets its pieces, and ends with the digest of them all.
type registry struct {
	mu      sync.Mutex
	uploads map[string]hash.Hash
}

func (s *registry) serve(c net.Conn, in *bufio.Reader) {
	for {
		h, ok := hear(in)
		if !ok {
			return
		}
		path, query, _ := strings.Cut(h.target, "?")
		s.mu.Lock()
		sum := s.uploads[path]
		if h.method == "POST" {
			path = fmt.Sprintf("/v2/app/blobs/uploads/%d", len(s.uploads))
			sum = sha256.New()
			s.uploads[path] = sum
		}
		s.mu.Unlock()
		if sum == nil || h.body(in, sum) != nil {
			return
		}
		status := "202 Accepted"
		if h.method == "PUT" {
			status = "400 Bad Digest"
			if query == "digest=sha256:"+hex.EncodeToString(sum.Sum(nil)) {
				status = "201 Created"
			}
		}
		_, _ = fmt.Fprintf(c, "HTTP/1.1 %s\r\nLocation: http://%s%s\r\nDocker-Upload-UUID: x\r\nContent-Length: 0\r\n\r\n", status, h.field("Host"), path)
	}
}

// An image of 200 MB goes through in pieces, and the worker stays small.
func TestRegistryUpload(t *testing.T) {
	for _, buffering := range []string{"off", "on"} {
		t.Run("request_buffering "+buffering, func(t *testing.T) {
			t.Parallel()
			p := startPeer(t, "", (&registry{uploads: make(map[string]hash.Hash)}).serve)
			b := e2e.Start(t, fmt.Sprintf(`http {
				client_body_temp_path {{dir}}/client_temp; proxy_temp_path {{dir}}/proxy_temp;
				upstream registry { server %s; keepalive 4; }
				server {
					listen {{web}}; client_max_body_size 0; chunked_transfer_encoding on;
					location /v2/ {
						proxy_pass http://registry; proxy_set_header Host $http_host;
						proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
						proxy_read_timeout 900; proxy_request_buffering %s;
					}
				}
			}`, p.addr(), buffering))
			worker := b.WaitWorkers(1)[0]
			before, small := e2e.Settled(worker), e2e.Status(worker, "VmRSS")
			c := b.Dial("web")
			c.Send("POST /v2/app/blobs/uploads/ HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 0\r\n\r\n")
			begun := c.Read("POST")
			place, ok := strings.CutPrefix(begun.Field("Location"), "http://registry.test")
			if begun.Status != 202 || !ok {
				t.Fatalf("%s, Location %q", begun.Line, begun.Field("Location"))
			}
			sum := sha256.New()
			piece := make([]byte, 1<<20)
			for n := range piece {
				piece[n] = byte(n * 7 >> 3)
			}
			const size = 200 << 20
			for _, chunked := range []bool{false, true} {
				framing := fmt.Sprintf("Content-Length: %d", size/2)
				if chunked {
					framing = "Transfer-Encoding: chunked"
				}
				c.Send("PATCH " + place + " HTTP/1.1\r\nHost: registry.test\r\nContent-Type: application/octet-stream\r\n" + framing + "\r\n\r\n")
				for range size / 2 / len(piece) {
					piece[0]++
					sum.Write(piece)
					if chunked {
						c.Send(fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece))
					} else {
						c.Send(string(piece))
					}
				}
				if chunked {
					c.Send("0\r\n\r\n")
				}
				if r := c.Read("PATCH"); r.Status != 202 {
					t.Fatalf("%s", r.Line)
				}
			}
			c.Send("PUT " + place + "?digest=sha256:" + hex.EncodeToString(sum.Sum(nil)) + " HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 0\r\n\r\n")
			if r := c.Read("PUT"); r.Status != 201 {
				t.Errorf("%s", r.Line)
			}
			if grown := e2e.Status(worker, "VmHWM") - small; grown > allowance() {
				t.Errorf("the worker grew by %d kB", grown)
			}
			c.Close()
			p.close()
			b.WantDescriptors(worker, before)
			wantNoFiles(t, b)
		})
	}
}

// Clients that do not read cost little memory, whatever the upstream sends.
func TestSlowClientsOfLargeAnswers(t *testing.T) {
	t.Parallel()
	const clients, size = 64, 10 << 20
	line := []byte(strings.Repeat("0123456789abcdef", 1<<12)) // 64 kB
	var sent atomic.Int64
	p := startPeer(t, "", func(c net.Conn, in *bufio.Reader) {
		if _, ok := hear(in); !ok {
			return
		}
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		for range size / len(line) {
			n, err := c.Write(line)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	b := e2e.Start(t, `events { worker_connections 1024; }
		http { proxy_temp_path {{dir}}/proxy_temp; client_body_temp_path {{dir}}/client_temp;
			server { listen {{web}}; location / { proxy_pass http://`+p.addr()+`; proxy_max_temp_file_size 2m; } } }`)
	worker := b.WaitWorkers(1)[0]
	before, small := e2e.Settled(worker), e2e.Status(worker, "VmRSS")
	var all []*e2e.Client
	for range clients {
		c := b.Dial("web")
		_ = c.Conn().(*net.TCPConn).SetReadBuffer(64 << 10)
		c.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		all = append(all, c)
	}
	// Nobody sends any more: everybody waits for the clients.
	last, since := int64(-1), time.Now()
	if !e2e.Eventually(time.Minute, func() bool {
		if now := sent.Load(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second && last > clients<<20
	}) {
		t.Errorf("after %d bytes the upstream goes on", last)
	}
	if last >= clients*size {
		t.Errorf("all was read ahead, whatever proxy_max_temp_file_size says")
	}
	if grown := e2e.Status(worker, "VmHWM") - small; grown > allowance() {
		t.Errorf("the worker grew by %d kB for %d clients", grown, clients)
	}
	var done sync.WaitGroup
	for _, c := range all {
		done.Go(func() {
			_ = c.Conn().SetReadDeadline(time.Now().Add(2 * time.Minute))
			n, err := io.Copy(io.Discard, c.Conn())
			if err != nil || n < size {
				t.Errorf("%d bytes: %v", n, err)
			}
		})
	}
	done.Wait()
	if grown := e2e.Status(worker, "VmHWM") - small; grown > allowance() {
		t.Errorf("at the end the worker has grown by %d kB", grown)
	}
	for _, c := range all {
		c.Close()
	}
	p.close()
	b.WantDescriptors(worker, before)
	wantNoFiles(t, b)
}

// Events reach the client one by one: the next one is only sent when the last one
// has arrived.
func TestServerSentEvents(t *testing.T) {
	for name, c := range map[string]struct{ directive, field string }{
		"proxy_buffering off": {"proxy_buffering off;", ""},
		"X-Accel-Buffering":   {"", "X-Accel-Buffering: no\r\n"},
		"with gzip":           {"proxy_buffering off; gzip on; gzip_types text/event-stream;", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := make(chan int)
			p := startPeer(t, "", func(w net.Conn, in *bufio.Reader) {
				if _, ok := hear(in); !ok {
					return
				}
				_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"+c.field+"\r\n")
				for n := range next {
					if _, err := fmt.Fprintf(w, "id: %d\ndata: it happened\n\n", n); err != nil {
						return
					}
				}
			})
			b := e2e.Start(t, `http { server { listen {{web}}; location / { proxy_set_header Connection ""; proxy_pass http://`+p.addr()+`; `+c.directive+` } } }`)
			worker := b.WaitWorkers(1)[0]
			before := e2e.Settled(worker)
			client := b.Dial("web")
			client.Send("GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
			for n := range 50 {
				select {
				case next <- n:
				case <-time.After(time.Minute):
					t.Fatal("the upstream does not send")
				}
				readUntil(t, client, fmt.Sprintf("id: %d\ndata: it happened\n\n", n))
			}
			client.Close()
			if !e2e.Eventually(time.Minute, func() bool { open, _ := p.connections(); return open == 0 || !offered(next) }) {
				t.Error("the upstream is not told that the client has gone")
			}
			close(next)
			b.WantDescriptors(worker, before)
		})
	}
}

// offered lets the upstream send once more, if it wants to.
func offered(next chan int) bool {
	select {
	case next <- 0:
	default:
	}
	return true
}
