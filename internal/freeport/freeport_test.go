package freeport

import (
	"net"
	"testing"
)

func TestReserve(t *testing.T) {
	taken := map[int]bool{}
	for range 50 {
		port := Reserve(t)
		if taken[port] || port < first || port >= first+count {
			t.Errorf("port %d", port)
		}
		taken[port] = true
	}
	l, err := net.Listen("tcp", Loopback(t))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if port == "" {
		t.Error("no port")
	}
}
