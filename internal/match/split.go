package match

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

// A Split is a split_clients{} block: shares of the range of a hash.
type Split struct {
	shares []share
}

// share is one line. Hashes below the limit that belong to no share before it
// are its own.
type share struct {
	limit uint32
	rest  bool // all that are left
	value string
}

// ReadSplit reads the block of d.
func ReadSplit(d *conf.Directive) (*Split, error) {
	s := new(Split)
	var percents []uint32 // in hundredths; 0: the rest
	err := d.Each(func(entry *conf.Directive) error {
		if len(entry.Args) == 0 {
			return entry.Errorf("invalid number of parameters")
		}
		percent, ok := parsePercent(entry.Name)
		if !ok {
			return entry.Errorf("invalid percent value \"%s\"", entry.Name)
		}
		percents = append(percents, percent)
		s.shares = append(s.shares, share{value: entry.Args[0]})
		return nil
	})
	if err != nil {
		return nil, err
	}
	const whole = 10000
	sum, limit := uint32(0), uint32(0)
	for i, percent := range percents {
		if percent == 0 {
			sum = whole
		} else {
			sum += percent
		}
		if sum > whole {
			return nil, d.Errorf("percent total is greater than 100%%")
		}
		if sum == whole {
			s.shares[i].rest = true
			continue
		}
		limit += uint32(uint64(percent) * 0xffffffff / whole)
		s.shares[i].limit = limit
	}
	return s, nil
}

// parsePercent reads "12.34%" as hundredths of a percent, and "*" as 0.
func parsePercent(text string) (percent uint32, ok bool) {
	if text == "*" {
		return 0, true
	}
	digits, ok := strings.CutSuffix(text, "%")
	if !ok || digits == "" {
		return 0, false
	}
	whole, fraction, point := strings.Cut(digits, ".")
	if len(fraction) > 2 || point && whole+fraction == "" {
		return 0, false
	}
	for _, c := range []byte(whole + (fraction + "00")[:2]) {
		if c < '0' || c > '9' || percent > 1e8 {
			return 0, false
		}
		percent = percent*10 + uint32(c-'0')
	}
	return percent, percent > 0
}

// Find returns the value of the share that key falls into; "" when it is in
// none.
func (s *Split) Find(key string) string {
	hash := Murmur2(key)
	for i := range s.shares {
		if hash < s.shares[i].limit || s.shares[i].rest {
			return s.shares[i].value
		}
	}
	return ""
}

// Murmur2 is Austin Appleby's MurmurHash2 with seed 0.
func Murmur2(key string) uint32 {
	const m = 0x5bd1e995
	h := uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := uint32(key[0]) | uint32(key[1])<<8 | uint32(key[2])<<16 | uint32(key[3])<<24
		k *= m
		k ^= k >> 24
		k *= m
		h = h*m ^ k
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(key[0])) * m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
