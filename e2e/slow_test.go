package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/baton-project/baton/e2e"
)

const bigFile = 24 << 20 // more than the socket buffers of both sides take

// A slowDownload is a response in progress: its client has read the first
// part and the server cannot send the rest.
type slowDownload struct {
	t      *testing.T
	client *e2e.Client
	want   []byte
}

// downloadSlowly requests a file that is written here; the server must have
// root {{dir}} at {{web}}.
func downloadSlowly(t *testing.T, b *e2e.Server) *slowDownload {
	t.Helper()
	want := bytes.Repeat([]byte("0123456789abcdef"), bigFile/16)
	if err := os.WriteFile(b.Path("big"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	c := b.Dial("web")
	_ = c.Conn().(*net.TCPConn).SetReadBuffer(64 << 10)
	c.Send("GET /big HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		head.Write(c.ReadN(1))
	}
	if length := fmt.Sprintf("Content-Length: %d\r\n", bigFile); !strings.Contains(head.String(), length) {
		t.Fatalf("head %q", head.String())
	}
	return &slowDownload{t: t, client: c, want: want}
}

// finish reads the rest and fails unless every byte is there.
func (d *slowDownload) finish() {
	d.t.Helper()
	if rest := d.client.ReadAll(); !bytes.Equal(rest, d.want) {
		d.t.Errorf("got %d of %d bytes, or other ones", len(rest), len(d.want))
	}
}

// countRest reads until the connection ends, however it does.
func (d *slowDownload) countRest() int64 {
	n, _ := io.Copy(io.Discard, d.client.Conn())
	return n
}
