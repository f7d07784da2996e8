package match

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/baton-project/baton/internal/cidr"
	"github.com/baton-project/baton/internal/conf"
)

// A Geo is a geo{} block as it was read, ready for search.
type Geo struct {
	Volatile  bool
	Proxies   []netip.Prefix // whose X-Forwarded-For counts
	Recursive bool           // proxy_recursive

	values   []string
	fallback int32 // of ranges; -1: the empty string
	table    addresses
}

// Find returns the value of an address; what is none counts as
// 255.255.255.255.
func (g *Geo) Find(addr netip.Addr) string {
	v := g.table.find(addr)
	if v < 0 {
		v = g.fallback
	}
	if v < 0 {
		return ""
	}
	return g.values[v]
}

// geoReader reads a block.
type geoReader struct {
	*Geo
	known    map[string]int32
	ranges   bool // the block says "ranges"
	proxies  bool // proxy and proxy_recursive may stand in it
	blocks   map[uint16][]span
	networks map[netip.Prefix]int32 // not nil once there was an entry
}

// ReadGeo reads the block of d. proxies says whether those may be named in it.
func ReadGeo(d *conf.Directive, proxies bool) (*Geo, error) {
	r := &geoReader{Geo: &Geo{fallback: -1}, known: make(map[string]int32), proxies: proxies}
	if err := d.Each(r.read); err != nil {
		return nil, err
	}
	if r.ranges {
		r.table = flattenBlocks(r.blocks)
	} else {
		r.table = flatten(r.networks)
	}
	return r.Geo, nil
}

func (r *geoReader) read(d *conf.Directive) error {
	if len(d.Args) == 0 {
		switch {
		case d.Name == "ranges":
			if r.networks != nil {
				return d.Errorf(`the "ranges" directive must be the first directive inside "geo" block`)
			}
			r.ranges = true
			return nil
		case d.Name == "proxy_recursive" && r.proxies:
			r.Recursive = true
			return nil
		case d.Name == "volatile":
			r.Volatile = true
			return nil
		}
	}
	if len(d.Args) != 1 {
		return d.Errorf("invalid number of the geo parameters")
	}
	switch {
	case d.Name == "proxy" && r.proxies:
		network, err := readNetwork(d, d.Args[0])
		if err == nil {
			r.Proxies = append(r.Proxies, network)
		}
		return err
	case r.ranges:
		return r.readRange(d)
	}
	return r.readNetwork(d)
}

// value is the index of text in values.
func (r *geoReader) value(text string) int32 {
	v, ok := r.known[text]
	if !ok {
		v = int32(len(r.values))
		r.known[text] = v
		r.values = append(r.values, text)
	}
	return v
}

// readNetwork reads a network and warns when it is not written exactly.
func readNetwork(d *conf.Directive, text string) (netip.Prefix, error) {
	if text == "255.255.255.255" {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), 32), nil
	}
	network, exact, err := cidr.Parse(text)
	if err != nil {
		return network, d.Errorf("invalid network \"%s\"", text)
	}
	if !exact {
		d.Warnf("low address bits of %s are meaningless", text)
	}
	return network, nil
}

func (r *geoReader) readNetwork(d *conf.Directive) error {
	if r.networks == nil {
		r.networks = make(map[netip.Prefix]int32)
	}
	text := d.Name
	switch text {
	case "default":
		r.add(d, text, netip.PrefixFrom(netip.IPv4Unspecified(), 0))
		r.add(d, text, netip.PrefixFrom(netip.IPv6Unspecified(), 0))
		return nil
	case "delete":
		network, err := readNetwork(d, d.Args[0])
		if err != nil {
			return err
		}
		if _, there := r.networks[network]; !there {
			d.Warnf("no network \"%s\" to delete", d.Args[0])
		}
		delete(r.networks, network)
		return nil
	}
	network, err := readNetwork(d, text)
	if err == nil {
		r.add(d, text, network)
	}
	return err
}

// add gives network the value of d; the last one counts.
func (r *geoReader) add(d *conf.Directive, text string, network netip.Prefix) {
	v := r.value(d.Args[0])
	if old, there := r.networks[network]; there {
		d.Warnf("duplicate network \"%s\", value: \"%s\", old value: \"%s\"", text, d.Args[0], r.values[old])
	}
	r.networks[network] = v
}

func (r *geoReader) readRange(d *conf.Directive) error {
	switch d.Name {
	case "default":
		if r.fallback >= 0 {
			d.Warnf("duplicate default geo range value: \"%s\", old value: \"%s\"", d.Args[0], r.values[r.fallback])
		}
		r.fallback = r.value(d.Args[0])
		return nil
	case "delete":
		start, end, err := parseRange(d, d.Args[0])
		if err == nil && !r.deleteRange(start, end) {
			d.Warnf("no address range \"%s\" to delete", d.Args[0])
		}
		return err
	}
	start, end, err := parseRange(d, d.Name)
	if err != nil {
		return err
	}
	return r.addRange(d, start, end, r.value(d.Args[0]))
}

func parseRange(d *conf.Directive, text string) (start, end uint32, err error) {
	from, to, ok := strings.Cut(text, "-")
	start, fromOK := parseIPv4(from)
	end, toOK := parseIPv4(to)
	if !ok || !fromOK || !toOK || start > end {
		return 0, 0, d.Errorf("invalid range \"%s\"", text)
	}
	return start, end, nil
}

// dotted writes an IPv4 address of its two halves.
func dotted(high, low uint16) string {
	return fmt.Sprintf("%d.%d.%d.%d", high>>8, high&0xff, low>>8, low&0xff)
}
