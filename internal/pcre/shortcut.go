package pcre

import "regexp/syntax"

// loops reports whether the program can come back to a place without taking a
// byte: such a loop ends only when it is remembered where the search has been.
func (p *program) loops() bool {
	const (
		unseen = iota
		open
		done
	)
	state := make([]uint8, len(p.code))
	var visit func(pc int32) bool
	visit = func(pc int32) bool {
		switch state[pc] {
		case open:
			return true
		case done:
			return false
		}
		state[pc] = open
		i := &p.code[pc]
		found := false
		switch i.op {
		case choose:
			found = visit(i.next) || visit(i.other)
		case bound, test:
			found = visit(i.next)
		}
		state[pc] = done
		return found
	}
	for pc := range p.code {
		if visit(int32(pc)) {
			return true
		}
	}
	return false
}

// findPrefix is the text that every match begins with.
func (p *program) findPrefix() string {
	var text []byte
	for pc := p.start; ; pc = int(p.code[pc].next) {
		i := &p.code[pc]
		switch {
		case i.op == takeByte:
			text = append(text, i.byte)
		case i.op == bound:
		case i.op == test && syntax.EmptyOp(i.other) == syntax.EmptyBeginText && len(text) == 0:
		default:
			return string(text)
		}
	}
}

// findFirst are the bytes that a match may begin with; ok is false when it may
// be empty.
func (p *program) findFirst() (first set, ok bool) {
	seen := make([]bool, len(p.code))
	ok = true
	todo := []int32{int32(p.start)}
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		i := &p.code[pc]
		switch i.op {
		case takeByte, takeSet:
			first.addSet(i.set)
		case choose:
			todo = append(todo, i.next, i.other)
		case bound, test:
			todo = append(todo, i.next)
		case match:
			ok = false
		}
	}
	return first, ok
}

// mayEnd reports whether the last byte of subject is one that a match needs
// there.
func (p *program) mayEnd(subject string) bool {
	if subject == "" {
		return false
	}
	last := subject[len(subject)-1]
	return last == '\n' || p.last.has(last)
}

// lastBytes are the bytes that a subject ends in when re matches, not counting a
// newline; ok is false when nothing can be said.
func lastBytes(re *syntax.Regexp) (last set, ok bool) {
	switch re.Op {
	case syntax.OpCapture:
		return lastBytes(re.Sub[0])
	case syntax.OpAlternate:
		return unionOf(re.Sub, lastBytes)
	case syntax.OpConcat:
		if n := len(re.Sub); n > 1 && re.Sub[n-1].Op == syntax.OpEndText {
			return lastOf(re.Sub[n-2])
		}
	}
	return last, false
}

func unionOf(list []*syntax.Regexp, f func(*syntax.Regexp) (set, bool)) (all set, ok bool) {
	for _, re := range list {
		one, ok := f(re)
		if !ok {
			return all, false
		}
		all.addSet(one)
	}
	return all, true
}

// lastOf are the bytes that a match of re ends in; ok is false when it may be
// empty or has too many forms.
func lastOf(re *syntax.Regexp) (last set, ok bool) {
	switch re.Op {
	case syntax.OpLiteral:
		c := re.Rune[len(re.Rune)-1]
		last.add(byte(c))
		if re.Flags&syntax.FoldCase != 0 {
			last.fold()
		}
		return last, true
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i] <= 0xff {
				last.addRange(byte(re.Rune[i]), byte(min(re.Rune[i+1], 0xff)))
			}
		}
		return last, true
	case syntax.OpCapture, syntax.OpPlus:
		return lastOf(re.Sub[0])
	case syntax.OpAlternate:
		return unionOf(re.Sub, lastOf)
	case syntax.OpConcat:
		return lastOf(re.Sub[len(re.Sub)-1])
	}
	return last, false
}
