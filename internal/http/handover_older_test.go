package http_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
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
	to := heirs.New()
	to.Adopt([]*handover.Sender{handover.NewSender(ours, 0, nil)}, false)
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		ended <- s.Worker.HandOver(ctx, to)
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
	err = <-ended
	to.Close()
	if tally := to.Tally(); err != nil || len(tally.Moved) != 0 || tally.Stayed[`unknown kind "http/1"`] == 0 || tally.Stayed[`unknown kind "http/1"`] > 2 {
		t.Errorf("%+v, %v", tally, err)
	}
}
