package match

import (
	"maps"
	"slices"

	"github.com/baton-project/baton/internal/conf"
)

// A span is a part of the 65536 addresses that share their upper half. The spans
// of one upper half do not overlap and ascend.
type span struct {
	start, end uint16 // lower halves, both inside
	value      int32
}

// eachBlock calls f with the part of start to end that lies under each upper
// half.
func eachBlock(start, end uint32, f func(high uint16, s span) error) error {
	for at := start; ; {
		s := span{start: uint16(at), end: 0xffff}
		if at>>16 == end>>16 {
			s.end = uint16(end)
		}
		if err := f(uint16(at>>16), s); err != nil || at>>16 == end>>16 {
			return err
		}
		at = at&0xffff0000 + 0x10000
	}
}

// addRange gives a range a value. It may lie inside a range that was there
// before, and splits it; overlapping it is an error.
func (r *geoReader) addRange(d *conf.Directive, start, end uint32, value int32) error {
	if r.blocks == nil {
		r.blocks = make(map[uint16][]span)
	}
	return eachBlock(start, end, func(high uint16, s span) error {
		s.value = value
		block := r.blocks[high]
		at := len(block) // in most files the last
		for at > 0 && block[at-1].start > s.end {
			at--
		}
		if at == 0 || block[at-1].end < s.start {
			r.blocks[high] = slices.Insert(block, at, s)
			return nil
		}
		old := block[at-1]
		if s.start < old.start || s.end > old.end {
			return d.Errorf("range \"%s\" overlaps \"%s-%s\"", d.Name, dotted(high, old.start), dotted(high, old.end))
		}
		if s.start == old.start && s.end == old.end {
			d.Warnf("duplicate range \"%s\", value: \"%s\", old value: \"%s\"", d.Name, r.values[value], r.values[old.value])
		}
		parts := make([]span, 0, 3)
		if old.start < s.start {
			parts = append(parts, span{old.start, s.start - 1, old.value})
		}
		parts = append(parts, s)
		if s.end < old.end {
			parts = append(parts, span{s.end + 1, old.end, old.value})
		}
		r.blocks[high] = slices.Replace(block, at-1, at, parts...)
		return nil
	})
}

// deleteRange takes a range out. It is false when it was not there as a whole.
func (r *geoReader) deleteRange(start, end uint32) (all bool) {
	all = true
	_ = eachBlock(start, end, func(high uint16, s span) error {
		block := r.blocks[high]
		at := slices.IndexFunc(block, func(old span) bool { return old.start == s.start && old.end == s.end })
		if at < 0 {
			all = false
			return nil
		}
		r.blocks[high] = slices.Delete(block, at, at+1)
		return nil
	})
	return all
}

// flattenBlocks makes the table of ranges.
func flattenBlocks(blocks map[uint16][]span) addresses {
	var made addresses
	for _, high := range slices.Sorted(maps.Keys(blocks)) {
		base := uint32(high) << 16
		for _, s := range blocks[high] {
			made.cut(base+uint32(s.start), s.value)
			if end := base + uint32(s.end); end != none {
				made.cut(end+1, -1)
			}
		}
	}
	return made
}
