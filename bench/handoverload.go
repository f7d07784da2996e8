package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// probers is how many clients of a handover wait for an answer at a time.
	probers = 4

	// probePause is what each lets pass between two requests: one that does not
	// wait would measure the load that it is itself.
	probePause = time.Millisecond
)

// A patient is one open connection, and what it says and hears each time.
type patient struct {
	conn   net.Conn
	lost   bool
	say    []byte
	answer int // bytes
}

// keepOpen opens connections as argument says, "ADDRESS requests|messages COUNT",
// prints "open", and between the lines "begin" and "end" sends over them at random;
// then it tries each of them, and prints how many are lost, how many answers came
// in between, and the percentiles of their times in ms.
func keepOpen(commands io.Reader, results io.Writer, argument string) error {
	var addr, kind string
	var count int
	if _, err := fmt.Sscan(argument, &addr, &kind, &count); err != nil {
		return err
	}
	patients := make([]*patient, count)
	for i := range patients {
		p, err := newPatient(addr, kind)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		patients[i] = p
	}
	fmt.Fprintln(results, "open")
	lines := bufio.NewScanner(commands)
	if !lines.Scan() {
		return io.ErrUnexpectedEOF
	}
	var stop atomic.Bool
	var all sync.WaitGroup
	var times [probers][]time.Duration
	share := count / probers
	for i := range probers {
		mine := patients[i*share : (i+1)*share]
		all.Go(func() { times[i] = probe(mine, &stop) })
	}
	if !lines.Scan() {
		return io.ErrUnexpectedEOF
	}
	stop.Store(true)
	all.Wait()
	lost := 0
	for _, p := range patients {
		if p.exchange(); p.lost {
			lost++
		}
	}
	sorted := slices.Sorted(slices.Values(slices.Concat(times[:]...)))
	if len(sorted) == 0 {
		sorted = []time.Duration{0}
	}
	at := func(part float64) float64 {
		return float64(sorted[int(part*float64(len(sorted)-1))].Microseconds()) / 1000
	}
	fmt.Fprintln(results, lost, len(sorted), at(0.50), at(0.99), at(1))
	return nil
}

func newPatient(addr, kind string) (p *patient, err error) {
	if kind == "messages" {
		p = &patient{say: make([]byte, messageSize), answer: messageSize}
		p.conn, err = dialWebSocket(addr)
		return p, err
	}
	p = &patient{say: []byte("GET / HTTP/1.1\r\nHost: bench\r\n\r\n")}
	if p.conn, err = net.Dial("tcp", addr); err != nil {
		return nil, err
	}
	if _, err := p.conn.Write(p.say); err != nil {
		return nil, err
	}
	var first [1024]byte
	for !bytes.HasSuffix(first[:p.answer], []byte("hello, world\n")) {
		n, err := p.conn.Read(first[p.answer:])
		if err != nil {
			return nil, err
		}
		p.answer += n // all later ones are as long
	}
	return p, nil
}

// exchange is one request and its answer.
func (p *patient) exchange() {
	if p.lost {
		return
	}
	_ = p.conn.SetDeadline(time.Now().Add(patience))
	_, err := p.conn.Write(p.say)
	if err == nil {
		var buf [1024]byte
		_, err = io.ReadFull(p.conn, buf[:p.answer])
	}
	p.lost = err != nil
}

// probe sends over one after the other.
func probe(patients []*patient, stop *atomic.Bool) (times []time.Duration) {
	const stride = 7919 // a prime: neighbours were accepted one after the other
	for i := 0; !stop.Load(); i++ {
		p := patients[i*stride%len(patients)]
		if p.lost {
			time.Sleep(probePause)
			continue
		}
		began := time.Now()
		if p.exchange(); !p.lost {
			times = append(times, time.Since(began))
		}
		time.Sleep(probePause)
	}
	return times
}
