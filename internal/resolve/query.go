package resolve

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/baton-project/baton/internal/log"
	"golang.org/x/net/dns/dnsmessage"
)

// udpSize is the longest answer that is taken over UDP.
const udpSize = 4096

// A query asks the questions about one name until all are answered.
type query struct {
	*Resolver
	ctx     context.Context
	asked   []*pending
	server  int        // which one was asked last
	sockets []net.Conn // UDP, one for each server that was asked
	arrived chan packet
	wg      sync.WaitGroup // of readers
}

// pending is a question on its way.
type pending struct {
	question
	wire   []byte
	tcp    bool // an answer over UDP had no room
	answer *answer
}

// packet is what a server has sent, or why nothing will come of a socket.
type packet struct {
	server int
	socket net.Conn // nil for TCP
	data   []byte
	err    error
}

// query runs until the name's questions are answered; it is not ok when ctx ended
// before.
func (r *Resolver) query(ctx context.Context, k key) (found result, ok bool) {
	q := &query{Resolver: r, ctx: ctx, sockets: make([]net.Conn, len(r.config.Servers)), arrived: make(chan packet)}
	if !q.prepare(k) {
		return result{code: NotFound}, true
	}
	q.server = int(r.turn.Add(1) % uint32(len(q.sockets)))
	ctx, cancel := context.WithCancel(ctx)
	q.ctx = ctx
	defer q.wg.Wait()
	defer q.closeSockets()
	defer cancel()
	if !q.send() { // once more, at once
		q.next()
		q.send()
	}
	again := time.NewTimer(r.resend)
	defer again.Stop()
	var order []*answer
	for len(order) < len(q.asked) {
		select {
		case <-ctx.Done():
			return found, false
		case <-again.C:
			q.next()
			q.send()
			again.Reset(r.resend)
		case p := <-q.arrived:
			if a := q.take(p); a != nil {
				order = append(order, a)
			}
		}
	}
	return r.conclude(k, order), true
}

// prepare makes the questions; it reports false for what is no name.
func (q *query) prepare(k key) bool {
	kinds := make([]dnsmessage.Type, 0, 2)
	if k.service {
		kinds = append(kinds, dnsmessage.TypeSRV)
	} else {
		if !q.config.NoIPv4 {
			kinds = append(kinds, dnsmessage.TypeA)
		}
		if !q.config.NoIPv6 {
			kinds = append(kinds, dnsmessage.TypeAAAA)
		}
	}
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	ids := [2]uint16{binary.BigEndian.Uint16(random[:]), binary.BigEndian.Uint16(random[2:])}
	if ids[0] == ids[1] {
		ids[1]++
	}
	for i, kind := range kinds {
		p := &pending{question: question{k.name, kind, ids[i]}}
		var err error
		if p.wire, err = p.pack(); err != nil {
			return false
		}
		q.asked = append(q.asked, p)
	}
	return true
}

// conclude makes one result of the answers, which are in the order of arrival.
// When they have no addresses it is the last one that says, as in nginx, whether
// there is another name.
func (r *Resolver) conclude(k key, answers []*answer) (found result) {
	ttl, empty := time.Duration(maxTTL)*time.Second, true
	var v6 []netip.Addr
	for _, a := range answers {
		if a.code != 0 {
			return result{code: a.code}
		}
		if !a.empty {
			ttl = min(ttl, a.ttl)
		}
		found.cname, empty = a.cname, a.empty
		for _, ip := range a.addrs {
			if ip.Is4() {
				found.addrs = append(found.addrs, ip)
			} else {
				v6 = append(v6, ip)
			}
		}
		found.services = append(found.services, a.services...)
	}
	found.addrs = append(found.addrs, v6...)
	found.services = byPriority(found.services)
	if r.config.Valid > 0 {
		ttl = r.config.Valid
	}
	found.until = time.Now().Add(ttl)
	switch {
	case !k.service && len(found.addrs) > 0, k.service && len(found.services) > 0:
		found.cname = ""
	case found.cname != "":
	case empty:
		return result{code: NotFound}
	default:
		text := "no A or CNAME types in DNS response"
		if k.service {
			text = "no SRV type in DNS response"
		}
		r.logger.Log(log.Error, 0, text)
		return result{code: NotFound}
	}
	return found
}

func (q *query) next() { q.server = (q.server + 1) % len(q.sockets) }

// send asks the present server what is not answered yet. It reports false when
// that cannot be done.
func (q *query) send() bool {
	for _, p := range q.asked {
		switch {
		case p.answer != nil:
		case p.tcp:
			q.askTCP(p, q.server)
		case !q.askUDP(p):
			return false
		}
	}
	return true
}

func (q *query) askUDP(p *pending) bool {
	address := q.config.Servers[q.server]
	socket := q.sockets[q.server]
	if socket == nil {
		opened, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(address))
		if err != nil {
			q.fail("connect()", q.server, err)
			return false
		}
		socket = opened
		q.sockets[q.server] = socket
		server := q.server
		q.wg.Go(func() { q.read(server, socket) })
	}
	if _, err := socket.Write(p.wire); err != nil {
		q.fail("send()", q.server, err)
		return false
	}
	return true
}

// read gives what a server sends to the query, until the socket is closed or
// broken.
func (q *query) read(server int, socket net.Conn) {
	for {
		room := make([]byte, udpSize)
		n, err := socket.Read(room)
		if !q.deliver(packet{server: server, socket: socket, data: room[:n], err: err}) || err != nil {
			return
		}
	}
}

func (q *query) deliver(p packet) bool {
	select {
	case q.arrived <- p:
		return true
	case <-q.ctx.Done():
		return false
	}
}

// askTCP asks a server over a connection of its own.
func (q *query) askTCP(p *pending, server int) {
	wire := p.wire
	q.wg.Go(func() {
		data, err := q.exchange(q.config.Servers[server], wire)
		q.deliver(packet{server: server, data: data, err: err})
	})
}

// exchange sends one message and reads one.
func (q *query) exchange(address netip.AddrPort, wire []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(q.ctx, q.resend)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address.String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	data := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err = io.ReadFull(conn, data)
	return data, err
}

// take looks at what has arrived; it returns an answer that is new.
func (q *query) take(p packet) *answer {
	if p.err != nil {
		q.fail("recv()", p.server, p.err)
		if p.socket != nil && q.sockets[p.server] == p.socket {
			_ = p.socket.Close()
			q.sockets[p.server] = nil
		}
		return nil
	}
	tcp := p.socket == nil
	of := q.pendingFor(p.data)
	a, err := of.accept(p.data, tcp)
	switch {
	case err != nil:
		q.logger.Log(log.Error, 0, err.Error())
		return nil
	case of.answer != nil || a.truncated && of.tcp:
		return nil // said twice
	case a.truncated:
		of.tcp = true
		q.askTCP(of, p.server)
		return nil
	}
	of.answer = &a
	return &a
}

// pendingFor finds the question with the ID of a message; the first one when it
// has the ID of none.
func (q *query) pendingFor(data []byte) *pending {
	for _, p := range q.asked {
		if len(data) >= 2 && binary.BigEndian.Uint16(data) == p.id {
			return p
		}
	}
	return q.asked[0]
}

// fail logs what is wrong with a server.
func (q *query) fail(call string, server int, err error) {
	if q.ctx.Err() != nil {
		return
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return // it closed the connection; the next try is another one
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		call = "connect()"
	}
	q.logger.Logf(log.Error, 0, "%s failed (%s) while resolving, resolver: %s", call, log.ErrText(err), q.config.Servers[server])
}

func (q *query) closeSockets() {
	for _, s := range q.sockets {
		if s != nil {
			_ = s.Close()
		}
	}
}
