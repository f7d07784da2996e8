package hashkit

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// A Distribution says how hashes are dealt out to servers.
type Distribution uint8

// The distributions that a configuration can name.
const (
	Ketama Distribution = iota
	Modula
	Random
)

// Distributions are their names.
var Distributions = map[string]Distribution{"ketama": Ketama, "modula": Modula, "random": Random}

// A Server is what a ring knows of one.
type Server struct {
	Name   string
	Weight int
}

// Compare is the order of servers in a ring, and of pools: the shorter name
// first, then by bytes.
func Compare(a, b string) int {
	if n := cmp.Compare(len(a), len(b)); n != 0 {
		return n
	}
	return cmp.Compare(a, b)
}

// A Ring deals keys out to the servers that are alive. It is never changed.
type Ring struct {
	kind   Distribution
	points []point // Ketama: sorted by value
	slots  []int32 // the others: a server for each unit of weight
}

type point struct {
	value  uint32
	server int32
}

const (
	pointsPerServer = 160
	pointsPerHash   = 4
)

// MaxSlots is how large the sum of weights may be, but for ketama.
const MaxSlots = 1 << 20

// NewRing makes a ring of those servers, sorted by [Compare], for which alive is
// true. alive may be nil.
func NewRing(kind Distribution, servers []Server, alive func(i int) bool) *Ring {
	r := &Ring{kind: kind}
	live, total := 0, uint32(0)
	for i, s := range servers {
		if alive == nil || alive(i) {
			live++
			total += uint32(s.Weight)
		}
	}
	for i, s := range servers {
		switch {
		case alive != nil && !alive(i):
		case kind == Ketama:
			r.addPoints(int32(i), s, live, total)
		default:
			for range s.Weight {
				r.slots = append(r.slots, int32(i))
			}
		}
	}
	slices.SortStableFunc(r.points, func(a, b point) int { return cmp.Compare(a.value, b.value) })
	return r
}

// addPoints adds the points of one server. The arithmetic is in single
// precision, step by step: each conversion keeps the compiler from fusing two.
func (r *Ring) addPoints(i int32, s Server, live int, total uint32) {
	share := float32(float32(s.Weight) / float32(total))
	count := float32(float32(share*pointsPerServer) / 4)
	count = float32(count * float32(live))
	groups := int(math.Floor(float64(count) + 0.0000000001))
	text := append([]byte(s.Name), '-')
	for g := range groups {
		sum := md5.Sum(strconv.AppendInt(text, int64(g), 10))
		for at := 0; at < pointsPerHash*4; at += 4 {
			r.points = append(r.points, point{binary.LittleEndian.Uint32(sum[at:]), i})
		}
	}
}

// Server is whom a hash belongs to; -1 when nobody is alive.
func (r *Ring) Server(hash uint32) int {
	switch r.kind {
	case Ketama:
		return r.nextPoint(hash)
	case Random:
		if len(r.slots) > 0 {
			return int(r.slots[rand.IntN(len(r.slots))])
		}
	default:
		if len(r.slots) > 0 {
			return int(r.slots[hash%uint32(len(r.slots))])
		}
	}
	return -1
}

// nextPoint is the server of the first point that is not below hash.
func (r *Ring) nextPoint(hash uint32) int {
	p := r.points
	if len(p) == 0 {
		return -1
	}
	low, high := 0, len(p)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if p[middle].value < hash {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(p) {
		low = 0
	}
	return int(p[low].server)
}

// Tagged is the part of a key that is hashed: what stands between the first
// tag[0] and the next tag[1] behind it, if there is anything. tag is empty or
// has two bytes.
func Tagged(key []byte, tag string) []byte {
	if len(tag) != 2 {
		return key
	}
	start := bytes.IndexByte(key, tag[0])
	if start < 0 {
		return key
	}
	inner := key[start+1:]
	if end := bytes.IndexByte(inner, tag[1]); end > 0 {
		return inner[:end]
	}
	return key
}
