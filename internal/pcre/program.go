package pcre

import (
	"regexp/syntax"
	"strings"
	"sync"
)

// A program matches in time linear in the subject. It searches as PCRE does,
// from left to right, going back to the last choice when it fails. Where that
// takes long it starts again and remembers the choices that have failed.
type program struct {
	code     []instruction
	start    int
	slots    int    // bounds of groups, 2 for each, with group 0
	anchored bool   // matches at the start of the subject only
	careful  bool   // a loop may go round without taking a byte
	prefix   string // every match begins with it
	first    set    // the first bytes of a match, unless it may be empty
	hasFirst bool
	last     set // the last bytes of a subject that matches, or the one before a newline
	hasLast  bool
	machines sync.Pool
}

// An instruction is one step. Where it goes on is next, for a choice first next
// and then other.
type instruction struct {
	op    operation
	byte  byte
	next  int32
	other int32 // of a choice: the second way; of a bound: its slot; of a test: what holds
	set   set
}

type operation uint8

const (
	takeByte operation = iota
	takeSet
	choose
	bound // the begin or the end of a group
	test  // the place, not the bytes
	match
	fail
)

// newProgram compiles a translation; it fails when only a backtracking engine can
// do it, such as for counts that are too large.
func newProgram(text string) (*program, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	p := &program{slots: 2 * (parsed.MaxCap() + 1)}
	p.last, p.hasLast = lastBytes(parsed)
	compiled, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	p.anchored = compiled.StartCond()&syntax.EmptyBeginText != 0
	p.start = int(skip(compiled, uint32(compiled.Start)))
	for i := range compiled.Inst {
		p.code = append(p.code, convert(compiled, &compiled.Inst[i]))
	}
	p.careful = p.loops()
	p.prefix = p.findPrefix()
	p.first, p.hasFirst = p.findFirst()
	p.machines.New = func() any { return &machine{bounds: make([]int, p.slots)} }
	return p, nil
}

// skip follows steps that do nothing.
func skip(compiled *syntax.Prog, pc uint32) int32 {
	for compiled.Inst[pc].Op == syntax.InstNop {
		pc = compiled.Inst[pc].Out
	}
	return int32(pc)
}

func convert(compiled *syntax.Prog, from *syntax.Inst) instruction {
	to := instruction{next: skip(compiled, from.Out)}
	switch from.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		to.op, to.other = choose, skip(compiled, from.Arg)
	case syntax.InstCapture:
		to.op, to.other = bound, int32(from.Arg)
	case syntax.InstEmptyWidth:
		to.op, to.other = test, int32(from.Arg)
	case syntax.InstMatch:
		to.op = match
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		for c := range 256 {
			if from.MatchRune(rune(c)) {
				to.set.add(byte(c))
			}
		}
		to.op = takeSet
		if c, ok := to.set.only(); ok {
			to.op, to.byte = takeByte, c
		}
	default:
		to.op = fail
	}
	return to
}

// holds reports whether what a test wants is so at a place of subject.
func holds(wanted syntax.EmptyOp, subject string, at int) bool {
	end := len(subject)
	if wanted&syntax.EmptyBeginText != 0 && at > 0 ||
		wanted&syntax.EmptyBeginLine != 0 && at > 0 && subject[at-1] != '\n' ||
		wanted&syntax.EmptyEndLine != 0 && at < end && subject[at] != '\n' ||
		wanted&syntax.EmptyEndText != 0 && at < end && (at < end-1 || subject[at] != '\n') {
		return false
	}
	if wanted&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) == 0 {
		return true
	}
	is := (at > 0 && isWord(subject[at-1])) != (at < end && isWord(subject[at]))
	return is == (wanted&syntax.EmptyWordBoundary != 0)
}

// A machine is one search.
type machine struct {
	stack   []job
	bounds  []int
	visited []uint64 // choices that were made, when the search is careful
	steps   int
}

// A job is a way not gone yet, or, when pc is negative, a bound to put back.
type job struct{ pc, at int32 }

// outcome is how a search went.
type outcome uint8

const (
	noMatch outcome = iota
	matched
	tooLong // try again carefully
)

// search looks for the first match. When bounds is not nil it is filled with
// those of the groups, -1 for groups that have no part in the match.
func (p *program) search(subject string, bounds []int) bool {
	if p.anchored && !strings.HasPrefix(subject, p.prefix) {
		return false
	}
	if p.hasLast && !p.mayEnd(subject) {
		return false
	}
	m := p.machines.Get().(*machine)
	defer p.machines.Put(m)
	how := tooLong
	if !p.careful {
		m.visited = m.visited[:0]
		m.steps = 64*(len(subject)+1) + 8*len(p.code)
		how = m.search(p, subject, bounds != nil)
	}
	if how == tooLong {
		words := (len(p.code)*(len(subject)+1) + 63) / 64
		if cap(m.visited) < words {
			m.visited = make([]uint64, words)
		}
		m.visited = m.visited[:words]
		clear(m.visited)
		how = m.search(p, subject, bounds != nil)
	}
	if how != matched {
		return false
	}
	if bounds != nil {
		copy(bounds, m.bounds)
	}
	return true
}

// search tries one place after the other.
func (m *machine) search(p *program, subject string, bounds bool) outcome {
	if bounds {
		for i := range m.bounds {
			m.bounds[i] = -1
		}
	}
	for start := 0; start <= len(subject); start++ {
		if !p.anchored {
			next := p.candidate(subject, start)
			if next < 0 {
				return noMatch
			}
			start = next
		}
		if how := m.run(p, subject, start, bounds); how != noMatch || p.anchored {
			return how
		}
	}
	return noMatch
}

// candidate is the first place from start on where a match may begin; -1 for
// none.
func (p *program) candidate(subject string, start int) int {
	switch {
	case p.prefix != "":
		next := strings.Index(subject[start:], p.prefix)
		if next < 0 {
			return -1
		}
		return start + next
	case p.hasFirst:
		for ; start < len(subject); start++ {
			if p.first.has(subject[start]) {
				return start
			}
		}
		return -1
	}
	return start
}

// run tries to match at start.
func (m *machine) run(p *program, subject string, start int, bounds bool) outcome {
	m.stack = m.stack[:0]
	pc, at := int32(p.start), start
	for {
		i := &p.code[pc]
		ok := true
		switch i.op {
		case takeByte:
			ok = at < len(subject) && subject[at] == i.byte
			at++
		case takeSet:
			ok = at < len(subject) && i.set.has(subject[at])
			at++
		case choose:
			if ok = m.enter(p, pc, at, len(subject)); ok {
				m.stack = append(m.stack, job{i.other, int32(at)})
			} else if m.steps < 0 {
				return tooLong
			}
		case bound:
			if bounds {
				m.stack = append(m.stack, job{^i.other, int32(m.bounds[i.other])})
				m.bounds[i.other] = at
			}
		case test:
			ok = holds(syntax.EmptyOp(i.other), subject, at)
		case match:
			if bounds {
				m.bounds[0], m.bounds[1] = start, at
			}
			return matched
		default:
			ok = false
		}
		if ok {
			pc = i.next
			continue
		}
		if pc, at, ok = m.back(); !ok {
			return noMatch
		}
	}
}

// enter makes a choice. It is false when that choice has failed before, or when
// the search takes too long, which m.steps tells.
func (m *machine) enter(p *program, pc int32, at, end int) bool {
	if len(m.visited) == 0 {
		m.steps--
		return m.steps >= 0
	}
	bit := int(pc)*(end+1) + at
	if m.visited[bit/64]&(1<<(bit%64)) != 0 {
		return false
	}
	m.visited[bit/64] |= 1 << (bit % 64)
	return true
}

// back undoes what was done since the last choice and returns where its other
// way goes.
func (m *machine) back() (pc int32, at int, ok bool) {
	for len(m.stack) > 0 {
		j := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		if j.pc >= 0 {
			return j.pc, int(j.at), true
		}
		m.bounds[^j.pc] = int(j.at)
	}
	return 0, 0, false
}
