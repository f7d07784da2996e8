package match

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// A wide is an IPv6 address as a number.
type wide struct{ high, low uint64 }

func (a wide) compare(b wide) int {
	return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low))
}

func wideOf(addr netip.Addr) wide {
	bytes := addr.As16()
	return wide{binary.BigEndian.Uint64(bytes[:8]), binary.BigEndian.Uint64(bytes[8:])}
}

// addresses says which of some values an address has. The address space is cut
// where the value changes, so that a search is one bisection, whatever networks
// lie inside each other. Values are indexes, -1 for none.
type addresses struct {
	narrow       []uint32 // where each piece begins, ascending; the first is 0
	narrowValues []int32
	wide         []wide
	wideValues   []int32
}

// find returns the value of addr. What is no address counts as
// 255.255.255.255.
func (a *addresses) find(addr netip.Addr) int32 {
	addr = addr.Unmap()
	if addr.Is6() {
		key := wideOf(addr)
		low, high := 0, len(a.wide)
		for low < high {
			middle := int(uint(low+high) / 2)
			if a.wide[middle].compare(key) <= 0 {
				low = middle + 1
			} else {
				high = middle
			}
		}
		return valueAt(a.wideValues, low)
	}
	key := uint32(none)
	if addr.Is4() {
		key = narrowOf(addr)
	}
	low, high := 0, len(a.narrow)
	for low < high {
		middle := int(uint(low+high) / 2)
		if a.narrow[middle] <= key {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return valueAt(a.narrowValues, low)
}

func valueAt(values []int32, after int) int32 {
	if after == 0 {
		return -1
	}
	return values[after-1]
}

// cut adds a piece at the end: from start on the value is v.
func (a *addresses) cut(start uint32, v int32) {
	last := len(a.narrow) - 1
	switch {
	case last >= 0 && a.narrow[last] == start:
		a.narrowValues[last] = v
	case last < 0 || a.narrowValues[last] != v:
		a.narrow = append(a.narrow, start)
		a.narrowValues = append(a.narrowValues, v)
	}
}

func (a *addresses) cutWide(start wide, v int32) {
	last := len(a.wide) - 1
	switch {
	case last >= 0 && a.wide[last] == start:
		a.wideValues[last] = v
	case last < 0 || a.wideValues[last] != v:
		a.wide = append(a.wide, start)
		a.wideValues = append(a.wideValues, v)
	}
}

// flatten makes the table of networks: the longest one that holds an address
// decides.
func flatten(networks map[netip.Prefix]int32) addresses {
	sorted := make([]netip.Prefix, 0, len(networks))
	for n := range networks {
		sorted = append(sorted, n)
	}
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	var made addresses
	var around []netip.Prefix // those that are open, the innermost last
	leave := func() {
		inner := around[len(around)-1]
		around = around[:len(around)-1]
		next := afterLast(inner)
		if !next.IsValid() {
			return
		}
		v := int32(-1)
		if len(around) > 0 {
			v = networks[around[len(around)-1]]
		}
		made.cutAt(next, v)
	}
	for _, n := range sorted {
		for len(around) > 0 && !around[len(around)-1].Contains(n.Addr()) {
			leave()
		}
		made.cutAt(n.Addr(), networks[n])
		around = append(around, n)
	}
	for len(around) > 0 {
		leave()
	}
	return made
}

func (a *addresses) cutAt(start netip.Addr, v int32) {
	if start.Is4() {
		a.cut(narrowOf(start), v)
		return
	}
	a.cutWide(wideOf(start), v)
}

// afterLast is the first address behind n; not valid when there is none.
func afterLast(n netip.Prefix) netip.Addr {
	bytes := n.Addr().AsSlice()
	for i := n.Bits(); i < len(bytes)*8; i++ {
		bytes[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last.Next()
}
