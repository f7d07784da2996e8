package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

const grpcSite = `
	daemon on; worker_processes 2;
	http {
		http2 on; access_log off;
		upstream u { server BACK; keepalive 4; }
		server { listen {{web}}; location / { grpc_pass u; } }
	}`

// startEcho is a gRPC server in all but the messages' form: each is sent back as it
// comes, and behind the last one stand trailers.
func startEcho(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Grpc-Status")
		w.WriteHeader(200)
		buf := make([]byte, 32<<10)
		for {
			_ = http.NewResponseController(w).Flush() // the client may be gone
			n, err := r.Body.Read(buf)
			_, _ = w.Write(buf[:n])
			if err != nil {
				break
			}
		}
		w.Header().Set("Grpc-Status", "0")
	})}
	server.Protocols.SetUnencryptedHTTP2(true)
	var all sync.WaitGroup
	all.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		_ = server.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// A talk is a call in which messages go to and fro.
type talk struct {
	out *io.PipeWriter
	in  *http.Response
}

func startTalk(t *testing.T, c *http.Client, url string) *talk {
	t.Helper()
	in, out := io.Pipe()
	request, err := http.NewRequest("POST", url, in)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Te", "trailers")
	request.Header.Set("Content-Type", "application/grpc")
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return &talk{out, response}
}

func (k *talk) say(t *testing.T, message string) {
	t.Helper()
	if _, err := io.WriteString(k.out, message); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(message))
	if _, err := io.ReadFull(k.in.Body, got); err != nil || string(got) != message {
		t.Fatalf("%q for %q: %v", got, message, err)
	}
}

func (k *talk) end(t *testing.T) {
	t.Helper()
	_ = k.out.Close()
	rest, err := io.ReadAll(k.in.Body)
	if err != nil || len(rest) > 0 || k.in.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("at the end %q, %v, trailers %v", rest, err, k.in.Trailer)
	}
	_ = k.in.Body.Close()
}

// Calls that have begun go on over a reload, in their worker, which is gone with the
// last of them.
func TestGRPCOverReloads(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "the directive http2 is younger than Debian's nginx")
	b := e2e.Start(t, strings.ReplaceAll(grpcSite, "BACK", startEcho(t)))
	_, web := b.Address("web")
	url := "http://" + web + "/service/method"
	old := b.WaitWorkers(2)
	talks := make([]*talk, 4)
	for i := range talks {
		talks[i] = startTalk(t, http2Client(t), url)
		talks[i].say(t, "before")
	}
	b.Reload()
	later := startTalk(t, http2Client(t), url)
	later.say(t, "after")
	for i, k := range talks {
		for n := range 5 {
			k.say(t, fmt.Sprintf("message %d of %d", n, i))
		}
		k.end(t)
	}
	later.end(t)
	b.WaitGone(old, 30*time.Second)
}
