package pool

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/baton-project/baton/internal/freeport"
)

// What a burst needs is not kept for ever.
func TestMemoryOfABurstIsGivenBack(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	w := serve(t, pool(port, "redis=true", back))
	const clients, requests = 60, 400
	in, out := strings.Repeat(cmd("GET", "k"), requests), strings.Repeat("$1\r\nx\r\n", requests)
	var all [clients]net.Conn
	for i := range all {
		all[i] = dial(t, port)
		if _, err := io.WriteString(all[i], in); err != nil {
			t.Fatal(err)
		}
	}
	b := accept()
	for range all {
		expect(t, b, in) // all are under way at once
	}
	made := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.spares.made
	}
	if n := clients * requests * int(unsafe.Sizeof(request{})); n < muchMade {
		t.Fatalf("only %d bytes were made", n) // what made says may be trimmed already
	}
	if _, err := io.WriteString(b, strings.Repeat(out, clients)); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		expect(t, c, out)
	}
	for end := time.Now().Add(patience); made() >= muchMade; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was given back")
		}
	}
	talk(t, all[0], cmd("PING"), pong)
}

func TestSparesAreBounded(t *testing.T) {
	var w Worker
	w.spares.trim = time.NewTimer(time.Hour)
	defer w.spares.trim.Stop()
	for range 10_000 {
		w.keep(make([]byte, 10, 8<<10))
		w.keep(make([]byte, 10, smallSize))
		w.keep(make([]byte, 10))
	}
	w.keep(make([]byte, 0, 2*maxSpareSize))
	if w.spares.bytes > maxSpareBytes {
		t.Errorf("%d bytes are kept", w.spares.bytes)
	}
	for n := range 1 << 20 {
		before := w.spares.bytes
		if b := w.spareFor(n % (2 * smallSize)); len(b) != 0 || cap(b) < smallSize {
			t.Fatalf("a buffer of %d of %d", len(b), cap(b))
		}
		if w.spares.bytes == before && len(w.spares.small) == 0 && len(w.spares.normal) == 0 {
			break
		}
	}
	if w.spares.bytes != 0 {
		t.Errorf("%d bytes are missing", w.spares.bytes)
	}
}
