package http_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/httptest"
)

// A new binary that knows none of our kinds, as an older version may not: every
// connection is served on here, to its next answer, and the report says why.
func TestHandoverToAnOlderVersion(t *testing.T) {
	g := newGate()
	s := httptest.Start(t, withProbe(g), httptest.Site{HTTP: probeSite})
	idle, busy := dial(t, s), dial(t, s)
	send(t, idle, "GET /ok HTTP/1.1\nHost: a\n\n")
	await(t, idle, "ok\n")
	send(t, busy, "GET /gate HTTP/1.1\nHost: a\n\n")
	<-g.entered

	ours, theirs, err := fd.Pair()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = handover.NewReceiver(theirs, nil, nil).Run() }()
	heirs := make(chan http.Heirs, 1)
	heirs <- http.Heirs{Senders: []*handover.Sender{handover.NewSender(ours, 0, nil)}}
	type end struct {
		tally http.Tally
		err   error
	}
	ended := make(chan end, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		tally, err := s.Worker.HandOver(ctx, heirs)
		ended <- end{tally, err}
	}()
	close(g.open)
	await(t, busy, "through\n")
	for _, conn := range []net.Conn{idle, busy} {
		for got := ""; !strings.Contains(got, "Connection: close\r\n"); { // until it was refused
			send(t, conn, "GET /ok HTTP/1.1\nHost: a\n\n")
			got = await(t, conn, "ok\n")
		}
		if got := rest(t, conn); got != "" {
			t.Errorf("after the last answer: %q", got)
		}
	}
	e := <-ended
	if n := e.tally.Stayed[`unknown kind "http/1"`]; e.err != nil || len(e.tally.Moved) != 0 || n == 0 || n > 2 {
		t.Errorf("%+v, %v", e.tally, e.err)
	}
}
