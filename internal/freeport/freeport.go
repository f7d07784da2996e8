// Package freeport gives tests TCP ports that nobody else takes meanwhile.
//
// A port that the kernel has chosen for a listener is free again as soon as that
// is closed, and any connection of any process may get it as its own end before
// the server under test listens there: tests of many packages run at once, and
// some open thousands of connections.
package freeport

import (
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// The ports lie below those that the kernel gives to outgoing connections, so
// that a client cannot take one away while a server restarts.
const (
	first = 11000
	count = 21000
)

// Reserve returns a port that is free on all addresses and that no other test,
// of this process or another one, gets until t ends.
func Reserve(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := first + rand.IntN(count)
		reservation, err := net.Listen("unix", "@baton-test-port-"+strconv.Itoa(port)) // nothing to clean up
		if err != nil {
			continue
		}
		if !isFree(port) {
			_ = reservation.Close()
			continue
		}
		t.Cleanup(func() { _ = reservation.Close() })
		return port
	}
	t.Fatal("no free port found")
	return 0
}

// Loopback is a reserved port of 127.0.0.1, as an address.
func Loopback(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Reserve(t)))
}

// isFree tries a port out, while no other goroutine starts a process that would
// hold the socket until its exec.
func isFree(port int) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
