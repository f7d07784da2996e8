package cidr

import (
	"encoding/binary"
	"net/netip"
)

// A Verdict is what a list of rules says about an address.
type Verdict uint8

const (
	Unmatched Verdict = iota // no rule is about this address
	Allowed
	Denied
)

// Rules is a list of addresses to allow and to deny, where the first rule that
// matches decides. The zero value has none. Once it is complete any number of
// goroutines may ask it.
type Rules struct {
	v4   []rule4
	v6   []rule6
	unix Verdict // of the first rule about them
}

type rule4 struct {
	address, mask uint32
	verdict       Verdict
}

type rule6 struct {
	high, low         uint64 // the address
	highMask, lowMask uint64
	verdict           Verdict
}

// Empty reports whether there are no rules at all.
func (l *Rules) Empty() bool { return len(l.v4) == 0 && len(l.v6) == 0 && l.unix == Unmatched }

// AddAll appends a rule about every address.
func (l *Rules) AddAll(v Verdict) {
	l.v4 = append(l.v4, rule4{verdict: v})
	l.v6 = append(l.v6, rule6{verdict: v})
	l.AddUnix(v)
}

// AddUnix appends a rule about clients of unix sockets.
func (l *Rules) AddUnix(v Verdict) {
	if l.unix == Unmatched {
		l.unix = v
	}
}

// Add appends a rule about a block as [Parse] gives it.
func (l *Rules) Add(block netip.Prefix, v Verdict) {
	address, bits := block.Addr(), block.Bits()
	if address.Is4() {
		l.v4 = append(l.v4, rule4{number(address), ^uint32(0) << (32 - bits), v})
		return
	}
	high, low := halves(address)
	made := rule6{high: high, low: low, verdict: v}
	made.highMask = ^uint64(0) << (64 - min(bits, 64))
	made.lowMask = ^uint64(0) << (64 - max(bits-64, 0))
	l.v6 = append(l.v6, made)
}

// Of is the verdict about an address; that of a unix socket's client is the
// zero Addr. An IPv4 address that came over IPv6 obeys the rules for IPv4, if
// there are any.
func (l *Rules) Of(address netip.Addr) Verdict {
	if address.Is4In6() && len(l.v4) > 0 {
		address = address.Unmap()
	}
	switch {
	case address.Is4():
		ip := number(address)
		for i := range l.v4 {
			if r := &l.v4[i]; ip&r.mask == r.address {
				return r.verdict
			}
		}
		return Unmatched
	case address.Is6():
		high, low := halves(address)
		for i := range l.v6 {
			if r := &l.v6[i]; high&r.highMask == r.high && low&r.lowMask == r.low {
				return r.verdict
			}
		}
		return Unmatched
	}
	return l.unix
}

func number(ip netip.Addr) uint32 {
	bytes := ip.As4()
	return binary.BigEndian.Uint32(bytes[:])
}

func halves(ip netip.Addr) (high, low uint64) {
	bytes := ip.As16()
	return binary.BigEndian.Uint64(bytes[:8]), binary.BigEndian.Uint64(bytes[8:])
}
