package upstream

import (
	"cmp"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
)

// crc continues a CRC-32 with s.
func crc(sum uint32, s string) uint32 {
	sum = ^sum
	for i := range len(s) {
		sum = crc32.IEEETable[byte(sum)^s[i]] ^ sum>>8
	}
	return ^sum
}

func crcBytes(sum uint32, b [4]byte) uint32 {
	sum = ^sum
	for _, c := range b {
		sum = crc32.IEEETable[byte(sum)^c] ^ sum>>8
	}
	return ^sum
}

// crcNumber continues a CRC-32 with the digits of n.
func crcNumber(sum uint32, n int) uint32 {
	if n < len(digits) {
		return crc(sum, digits[n:n+1])
	}
	return crc(sum, strconv.Itoa(n)) // up to 99 it does not allocate
}

const digits = "0123456789"

// misses is after how many peers that cannot be used a method that computes its
// choice leaves it to round robin.
const misses = 20

// hashed is nginx's "hash" without "consistent": the peer at a place that follows
// from the key, and when that one cannot be used, from the key and the number of
// the try, as in Cache::Memcached.
func (s *Session) hashed(t *table) int {
	if s.draws > misses || len(s.ring.peers) < 2 || s.key.Text == "" {
		return s.roundRobin(t)
	}
	if i := s.hinted(t); i >= 0 {
		return i
	}
	for {
		var sum uint32
		if s.rehash > 0 {
			sum = crcNumber(0, s.rehash)
		}
		s.hash += crc(sum, s.key.Text) >> 16 & 0x7fff
		s.rehash++
		if i := s.ring.at(int64(s.hash) % s.ring.weight); s.usable(t, i) {
			return i
		}
		if s.draws++; s.draws > misses {
			return s.roundRobin(t)
		}
	}
}

// at is the peer at place w of all weights.
func (r *ring) at(w int64) int {
	for i, p := range r.peers {
		if w < p.weight {
			return i
		}
		w -= p.weight
	}
	return len(r.peers) - 1
}

// ipHashSeed is where ip_hash begins.
const ipHashSeed = 89

// addressHash is nginx's ip_hash: the first three bytes of an IPv4 address, or
// all of an IPv6 address.
func (s *Session) addressHash(t *table) int {
	if s.draws > misses || len(s.ring.peers) < 2 {
		return s.roundRobin(t)
	}
	if i := s.hinted(t); i >= 0 {
		return i
	}
	sum := s.hash
	for {
		sum = s.hashClient(sum)
		if i := s.ring.at(int64(sum) % s.ring.weight); s.usable(t, i) {
			s.hash = sum
			return i
		}
		if s.draws++; s.draws > misses {
			return s.roundRobin(t)
		}
	}
}

func (s *Session) hashClient(sum uint32) uint32 {
	mix := func(b []byte) {
		for _, c := range b {
			sum = (sum*113 + uint32(c)) % 6271
		}
	}
	switch ip := s.key.Client; {
	case ip.Is4():
		b := ip.As4()
		mix(b[:3])
	case ip.IsValid():
		b := ip.As16()
		mix(b[:])
	default:
		mix(make([]byte, 3))
	}
	return sum
}

// A point is a place on the circle of consistent hashing, and the server from
// there on.
type point struct {
	hash   uint32
	server string
}

// pointsPerWeight is how many points a server has for each unit of its weight.
const pointsPerWeight = 160

// newPoints makes the circle, as Cache::Memcached::Fast and nginx do.
func newPoints(peers []*Peer) []point {
	var points []point
	for _, p := range peers {
		host, port := splitServer(p.Server)
		base := crc(crc(crc(0, host), "\x00"), port)
		var hash uint32
		for range p.weight * pointsPerWeight {
			hash = crcBytes(base, [4]byte{byte(hash), byte(hash >> 8), byte(hash >> 16), byte(hash >> 24)})
			points = append(points, point{hash, p.Server})
		}
	}
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.hash, b.hash) })
	return slices.CompactFunc(points, func(a, b point) bool { return a.hash == b.hash })
}

// splitServer cuts what the configuration calls a server into host and port.
func splitServer(server string) (host, port string) {
	if len(server) >= 5 && strings.EqualFold(server[:5], "unix:") {
		return server[5:], ""
	}
	rest := strings.TrimRight(server, digits)
	if strings.HasSuffix(rest, ":") {
		return rest[:len(rest)-1], server[len(rest):]
	}
	return server, ""
}

// startOnCircle finds the first point for the session's key.
func (s *Session) startOnCircle() {
	hash := crc(0, s.key.Text)
	i, _ := slices.BinarySearchFunc(s.roster.points, hash, func(p point, h uint32) int { return cmp.Compare(p.hash, h) })
	s.hash = uint32(i)
}

// onCircle is nginx's "hash ... consistent". The addresses of one server take
// turns.
func (s *Session) onCircle(t *table) int {
	if s.draws > misses || s.roster.single || s.key.Text == "" || len(s.roster.points) == 0 {
		return s.roundRobin(t)
	}
	if i := s.hinted(t); i >= 0 {
		return i
	}
	for {
		server := s.roster.points[int(s.hash)%len(s.roster.points)].server
		best := -1
		var total int64
		for i, p := range s.ring.peers {
			if p.Server == server && s.usable(t, i) {
				best = s.weigh(t, i, best, &total)
			}
		}
		if best >= 0 {
			s.counts(t, best).current -= total
			return best
		}
		s.hash++
		if s.draws++; s.draws > misses {
			return s.roundRobin(t)
		}
	}
}
