package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A question is what is asked of a server.
type question struct {
	name string // lower case, without the last dot
	kind dnsmessage.Type
	id   uint16
}

// pack writes the query; it fails for what cannot be a name.
func (q question) pack() ([]byte, error) {
	if q.name == "" {
		return nil, errors.New("empty name")
	}
	name, err := dnsmessage.NewName(q.name + ".")
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: q.id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: q.kind, Class: dnsmessage.ClassINET}},
	}
	return m.Pack()
}

// An answer is what a server has said to a question.
type answer struct {
	code      int // of the server; 0: none
	truncated bool
	empty     bool // it has no record at all
	addrs     []netip.Addr
	services  []record
	cname     string // the last one
	ttl       time.Duration
}

// record is an SRV record.
type record struct {
	priority, weight, port uint16
	target                 string
}

// maxTTL is what a TTL may say at most: the highest bit of a TTL has no meaning.
const maxTTL = 1<<31 - 1

// accept reads b, which may be the answer to q. The error is nginx's sentence
// about a message that is to be ignored.
func (q question) accept(b []byte, tcp bool) (a answer, err error) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil {
		return a, errShort
	}
	code := int(h.RCode)
	switch {
	case !h.Response || h.OpCode != 0 || h.Truncated && tcp:
		proto := "UDP"
		if tcp {
			proto = "TCP"
		}
		return a, fmt.Errorf("invalid %s DNS response %d fl:%04X", proto, h.ID, uint16(b[2])<<8|uint16(b[3]))
	case code == 1 && h.ID == q.id:
		return a, fmt.Errorf("DNS error (%d: %s), query id:%d, name:\"%s\"", code, codeText(code), h.ID, q.name)
	case code == 1 || code > 5:
		return a, fmt.Errorf("DNS error (%d: %s), query id:%d", code, codeText(code), h.ID)
	case b[4] != 0 || b[5] != 1:
		return a, errors.New("invalid number of questions in DNS response")
	}
	asked, err := p.Question()
	if err != nil {
		return a, errShort
	}
	name := textOf(asked.Name)
	switch {
	case asked.Class != dnsmessage.ClassINET:
		return a, fmt.Errorf("unknown query class %d in DNS response", asked.Class)
	case asked.Type != q.kind || name != q.name:
		return a, fmt.Errorf("unexpected DNS response for %s", name)
	case h.ID != q.id:
		return a, fmt.Errorf("wrong ident %d in DNS response for %s, expect %d", h.ID, name, q.id)
	}
	a.code, a.truncated = code, h.Truncated
	if h.Truncated || code != 0 {
		return a, nil
	}
	return a, a.read(&p)
}

var errShort = errors.New("short DNS response")

// read reads the records of the answer section.
func (a *answer) read(p *dnsmessage.Parser) error {
	if err := p.SkipAllQuestions(); err != nil {
		return errShort
	}
	lowest := uint32(maxTTL)
	for a.empty = true; ; a.empty = false {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err != nil {
			return errShort
		}
		if h.Class != dnsmessage.ClassINET {
			return fmt.Errorf("unexpected RR class %d in DNS response", h.Class)
		}
		if h.TTL > maxTTL {
			h.TTL = 0
		}
		lowest = min(lowest, h.TTL)
		if err := a.add(p, h.Type); err != nil {
			return err
		}
	}
	a.ttl = time.Duration(lowest) * time.Second
	return nil
}

// add reads one record. Those of no use are skipped.
func (a *answer) add(p *dnsmessage.Parser, kind dnsmessage.Type) error {
	switch kind {
	case dnsmessage.TypeA:
		r, err := p.AResource()
		if err != nil {
			return errors.New("invalid A record in DNS response")
		}
		a.addAddr(netip.AddrFrom4(r.A))
	case dnsmessage.TypeAAAA:
		r, err := p.AAAAResource()
		if err != nil {
			return errors.New("invalid AAAA record in DNS response")
		}
		a.addAddr(netip.AddrFrom16(r.AAAA))
	case dnsmessage.TypeCNAME:
		r, err := p.CNAMEResource()
		if err != nil {
			return errShort
		}
		a.cname = textOf(r.CNAME)
		if a.cname == "" {
			a.cname = "." // no name at all
		}
	case dnsmessage.TypeSRV:
		r, err := p.SRVResource()
		if err != nil {
			return errShort
		}
		a.services = append(a.services, record{r.Priority, max(r.Weight, 1), r.Port, textOf(r.Target)})
	default:
		if p.SkipAnswer() != nil {
			return errShort
		}
	}
	return nil
}

func (a *answer) addAddr(ip netip.Addr) {
	if len(a.addrs) < maxAddrs { // each as often as it was sent, as nginx
		a.addrs = append(a.addrs, ip)
	}
}

// maxAddrs is how many addresses of one family a name may have; the others are
// left out.
const maxAddrs = 1024

// textOf is a name in lower case without the last dot.
func textOf(n dnsmessage.Name) string {
	return strings.ToLower(strings.TrimSuffix(n.String(), "."))
}
