package resp

// A Span is a part of a buffer.
type Span struct{ Start, End int }

// Of returns the part of b.
func (s Span) Of(b []byte) []byte { return b[s.Start:s.End] }

// kept is how many of the first arguments are remembered: EVAL needs four.
const kept = 4

// A Request is how far the reading of one request is. The zero Request is at its
// beginning.
type Request struct {
	// Count is the number of arguments with the command's name; 0 as long as it
	// is unknown.
	Count int
	// Seen is how many of them are complete.
	Seen int

	pos   int   // read up to here
	left  int64 // of the argument that is being read, with its CRLF; 0: none
	spans [kept]Span
}

// Parse goes on reading a request that begins with b[0]. b has all that came of
// it, so it may only have grown since the last call. Size is then its size.
func (r *Request) Parse(b []byte) (done bool, err error) {
	if r.Count == 0 {
		if done, err := r.begin(b); !done {
			return false, err
		}
	}
	for {
		if r.left == 0 {
			if r.pos >= len(b) {
				return false, nil
			}
			if b[r.pos] != '$' {
				return false, ErrDollar
			}
			v, n, ok := number(b[r.pos+1:], MaxBulk)
			if !ok {
				return false, ErrLength
			}
			if n == 0 {
				return false, nil
			}
			r.pos += 1 + n
			r.left = v + 2
		}
		if int64(len(b)-r.pos) < r.left {
			return false, nil
		}
		end := r.pos + int(r.left)
		if b[end-2] != '\r' || b[end-1] != '\n' {
			return false, ErrEnd
		}
		if r.Seen < kept {
			r.spans[r.Seen] = Span{r.pos, end - 2}
		}
		r.pos, r.left = end, 0
		if r.Seen++; r.Seen == r.Count {
			return true, nil
		}
	}
}

func (r *Request) begin(b []byte) (bool, error) {
	if len(b) == 0 {
		return false, nil
	}
	if b[0] != '*' {
		return false, ErrInline
	}
	v, n, ok := number(b[1:], MaxArgs)
	if !ok || n > 0 && v == 0 {
		return false, ErrCount
	}
	if n == 0 {
		return false, nil
	}
	r.Count, r.pos = int(v), 1+n
	return true, nil
}

// Size is how many bytes were read; those of the whole request once it is done.
func (r *Request) Size() int { return r.pos }

// Least is how many bytes the request has at least, as far as is known.
func (r *Request) Least() int64 {
	if r.Count == 0 {
		return int64(r.pos)
	}
	return int64(r.pos) + r.left + int64(r.Count-r.Seen)*5
}

// Arg is where argument i is, which must be one of the first four and complete.
func (r *Request) Arg(i int) Span { return r.spans[i] }

// Detach makes what follows be read with Skip: the first n bytes of what was
// given to Parse are used. n is from Detachable.
func (r *Request) Detach(n int) {
	r.left -= int64(n - r.pos)
	r.pos = 0
}

// Detachable is how many of the n bytes given to Parse Detach may take.
func (r *Request) Detachable(n int) int {
	if r.left == 0 {
		return r.pos
	}
	return r.pos + int(min(int64(n-r.pos), r.left-2))
}

// Skip goes on with the next bytes of a request that is not kept as a whole. n
// is how many of b were used; the rest is the beginning of the next call's.
func (r *Request) Skip(b []byte) (n int, done bool, err error) {
	for {
		if r.left > 2 {
			take := int(min(int64(len(b)-n), r.left-2))
			n += take
			if r.left -= int64(take); r.left > 2 {
				return n, false, nil
			}
		}
		if r.left == 2 {
			if len(b)-n < 2 {
				return n, false, nil
			}
			if b[n] != '\r' || b[n+1] != '\n' {
				return n, false, ErrEnd
			}
			n, r.left = n+2, 0
			if r.Seen++; r.Seen == r.Count {
				return n, true, nil
			}
		}
		if n == len(b) {
			return n, false, nil
		}
		if b[n] != '$' {
			return n, false, ErrDollar
		}
		v, size, ok := number(b[n+1:], MaxBulk)
		if !ok {
			return n, false, ErrLength
		}
		if size == 0 {
			return n, false, nil
		}
		n, r.left = n+1+size, v+2
	}
}

// Args calls f with each argument of a complete request after the first skip
// ones.
func Args(b []byte, skip int, f func(i int, at Span)) {
	count, n, _ := number(b[1:], MaxArgs)
	at := 1 + n
	for i := range int(count) {
		size, n, _ := number(b[at+1:], MaxBulk)
		at += 1 + n
		if i >= skip {
			f(i, Span{at, at + int(size)})
		}
		at += int(size) + 2
	}
}
