package e2e_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
	"golang.org/x/net/dns/dnsmessage"
)

// datagramServer answers each datagram, until the test ends, as answer says.
func datagramServer(t *testing.T, answer func(asked []byte, from net.Addr) []byte) string {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.UDPConn).SetReadBuffer(1 << 20) // as much as there may be
	done := make(chan struct{})
	go func() {
		defer close(done)
		room := make([]byte, 64<<10)
		for {
			n, from, err := c.ReadFrom(room)
			if err != nil {
				return
			}
			if text := answer(room[:n], from); text != nil {
				_, _ = c.WriteTo(text, from)
			}
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	return c.LocalAddr().String()
}

// Whoever asks over UDP while workers come and go gets every answer.
func TestDatagramsOverReloads(t *testing.T) {
	t.Parallel()
	backend := datagramServer(t, func(asked []byte, _ net.Addr) []byte { return asked })
	b := e2e.Start(t, fmt.Sprintf(`
worker_processes 2;
events {}
stream {
	server { listen {{dns}} udp; proxy_pass %s; proxy_responses 1; proxy_requests 1; }
	server { listen {{ready}}; return ok; }
}`, backend))
	_, address := b.Address("dns")
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for n := range 20 {
		c, err := net.Dial("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients.Go(func() {
			room := make([]byte, 64)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				text := strconv.Itoa(n) + ":" + strconv.Itoa(i)
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				_, err := c.Write([]byte(text))
				var got int
				if err == nil {
					got, err = c.Read(room)
				}
				if err != nil || string(room[:got]) != text {
					t.Errorf("%s: heard %q, %v", text, room[:got], err)
					return
				}
			}
		})
	}
	for range 3 {
		old := b.Workers()
		b.Signal(syscall.SIGHUP)
		b.WaitGone(old, time.Minute)
		b.WaitWorkers(2)
	}
	close(stop)
	clients.Wait()
}

// Names are looked up through baton, which hears of it in its log.
func TestNamesOverUDP(t *testing.T) {
	t.Parallel()
	backend := datagramServer(t, func(asked []byte, _ net.Addr) []byte {
		var m dnsmessage.Message
		if err := m.Unpack(asked); err != nil || len(m.Questions) != 1 {
			return nil
		}
		q := m.Questions[0]
		answer := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
		if q.Type == dnsmessage.TypeA {
			answer.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1},
				Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 7}}}}
		}
		packed, err := answer.Pack()
		if err != nil {
			return nil
		}
		return packed
	})
	b := e2e.Start(t, fmt.Sprintf(`
stream {
	log_format s "$protocol $remote_addr $status $upstream_addr";
	access_log {{dir}}/stream.log s;
	server { listen {{dns}} udp; proxy_pass %s; proxy_responses 1; }
	server { listen {{ready}}; return ok; }
}`, backend))
	_, address := b.Address("dns")
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", address)
	}}
	for i := range 20 {
		found, err := r.LookupHost(t.Context(), fmt.Sprintf("name%d.example.", i))
		if err != nil || len(found) != 1 || found[0] != "192.0.2.7" {
			t.Errorf("found %v, %v", found, err)
		}
	}
	want := "UDP 127.0.0.1 200 " + backend + "\n"
	if !e2e.Eventually(30*time.Second, func() bool {
		text := b.Read("stream.log")
		return len(text) == 40*len(want) && text[:len(want)] == want
	}) {
		t.Errorf("logged: %q", b.Read("stream.log"))
	}
}
