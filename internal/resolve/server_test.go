package resolve

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// A nameServer answers questions over UDP and TCP of one port as a test says.
type nameServer struct {
	t      *testing.T
	addr   netip.AddrPort
	asked  atomic.Int64 // questions over UDP
	tcp    atomic.Int64 // questions over TCP
	mu     sync.Mutex
	reply  func(q dnsmessage.Question, tcp bool) reply
	mangle func(m []byte) [][]byte // what to send instead of an answer
	wg     sync.WaitGroup
}

// reply is what a nameServer says to a question.
type reply struct {
	silent    bool
	truncated bool
	code      dnsmessage.RCode
	records   []dnsmessage.Resource
}

func startServer(t *testing.T, answer func(q dnsmessage.Question, tcp bool) reply) *nameServer {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at := l.Addr().(*net.TCPAddr).AddrPort()
		u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			_ = l.Close()
			continue // the port is taken
		}
		s := &nameServer{t: t, addr: at, reply: answer}
		s.wg.Go(func() { s.serveUDP(u) })
		s.wg.Go(func() { s.serveTCP(l) })
		t.Cleanup(func() {
			_, _ = u.Close(), l.Close()
			s.wg.Wait()
		})
		return s
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil
}

func (s *nameServer) serveUDP(u *net.UDPConn) {
	room := make([]byte, 4096)
	for {
		n, from, err := u.ReadFromUDPAddrPort(room)
		if err != nil {
			return
		}
		s.asked.Add(1)
		for _, m := range s.answer(room[:n], false) {
			_, _ = u.WriteToUDPAddrPort(m, from)
		}
	}
}

func (s *nameServer) serveTCP(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		s.tcp.Add(1)
		s.wg.Go(func() {
			defer func() { _ = conn.Close() }()
			var size [2]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			data := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(conn, data); err != nil {
				return
			}
			for _, m := range s.answer(data, true) {
				_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
			}
			_, _ = io.Copy(io.Discard, conn)
		})
	}
}

func (s *nameServer) answer(data []byte, tcp bool) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var m dnsmessage.Message
	if err := m.Unpack(data); err != nil || len(m.Questions) != 1 || !m.RecursionDesired {
		s.t.Errorf("not a query: %v, %+v", err, m)
		return nil
	}
	r := s.reply(m.Questions[0], tcp)
	if r.silent {
		return nil
	}
	m.Response, m.RecursionAvailable, m.Truncated, m.RCode, m.Answers = true, true, r.truncated, r.code, r.records
	packed, err := m.Pack()
	if err != nil {
		s.t.Error(err)
		return nil
	}
	if s.mangle != nil {
		return s.mangle(packed)
	}
	return [][]byte{packed}
}

func header(name string, kind dnsmessage.Type, ttl uint32) dnsmessage.ResourceHeader {
	return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET, TTL: ttl}
}

func a(name string, ttl uint32, ip ...string) (list []dnsmessage.Resource) {
	for _, text := range ip {
		addr := netip.MustParseAddr(text)
		if addr.Is4() {
			list = append(list, dnsmessage.Resource{Header: header(name, dnsmessage.TypeA, ttl), Body: &dnsmessage.AResource{A: addr.As4()}})
		} else {
			list = append(list, dnsmessage.Resource{Header: header(name, dnsmessage.TypeAAAA, ttl), Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	return list
}

func cname(name, to string, ttl uint32) []dnsmessage.Resource {
	return []dnsmessage.Resource{{Header: header(name, dnsmessage.TypeCNAME, ttl), Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(to)}}}
}

func srv(name, target string, priority, weight, port uint16) []dnsmessage.Resource {
	return []dnsmessage.Resource{{Header: header(name, dnsmessage.TypeSRV, 60), Body: &dnsmessage.SRVResource{
		Priority: priority, Weight: weight, Port: port, Target: dnsmessage.MustNewName(target)}}}
}

// zone answers from a table of names; what is not in it does not exist. A name
// without records of the kind asked for has an empty answer.
func zone(names map[string][]dnsmessage.Resource) func(dnsmessage.Question, bool) reply {
	return func(q dnsmessage.Question, _ bool) (r reply) {
		list, known := names[q.Name.String()]
		if !known {
			return reply{code: dnsmessage.RCodeNameError}
		}
		for _, record := range list {
			if record.Header.Type == q.Type || record.Header.Type == dnsmessage.TypeCNAME {
				r.records = append(r.records, record)
			}
		}
		return r
	}
}
