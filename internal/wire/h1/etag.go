package h1

// AppendETag appends nginx's entity tag of a file, quotes included.
func AppendETag(dst []byte, lastModified, size int64) []byte {
	dst = AppendHex(append(dst, '"'), uint64(lastModified))
	dst = AppendHex(append(dst, '-'), uint64(size))
	return append(dst, '"')
}

// MatchETag reports whether etag (as it is sent; "" for none) is in list, the value
// of If-Match (strong comparison) or If-None-Match (weak).
func MatchETag(list, etag string, weak bool) bool {
	if list == "*" {
		return true
	}
	if etag == "" {
		return false
	}
	if weak {
		etag = cutWeak(etag)
	}
	for list != "" {
		if weak {
			list = cutWeak(list)
		}
		if len(list) < len(etag) {
			return false
		}
		if list[:len(etag)] == etag {
			list = skipBlanks(list[len(etag):], " \t")
			if list == "" || list[0] == ',' {
				return true
			}
		}
		for list != "" && list[0] != ',' {
			list = list[1:]
		}
		list = skipBlanks(list, " \t,")
	}
	return false
}

// cutWeak takes the mark of a weak entity tag off.
func cutWeak(etag string) string {
	if len(etag) > 2 && etag[:2] == "W/" {
		return etag[2:]
	}
	return etag
}

// skipBlanks drops the bytes in set, at most three, from the front of s.
func skipBlanks(s, set string) string {
	for s != "" && (s[0] == set[0] || s[0] == set[1] || s[0] == set[len(set)-1]) {
		s = s[1:]
	}
	return s
}

// IfModifiedSince is the directive if_modified_since.
type IfModifiedSince uint8

const (
	IfModifiedExact  IfModifiedSince = iota // modified unless the times are equal
	IfModifiedBefore                        // modified when younger
	IfModifiedOff                           // always modified
)

// Conditions are a request's conditional headers.
type Conditions struct {
	IfUnmodifiedSince, IfMatch, IfModifiedSince, IfNoneMatch Condition
}

// A Condition is one conditional header. An empty value was sent, too.
type Condition struct {
	Sent  bool
	Value string
}

// Conditions returns the conditional headers of h, views into buf; any is false
// without one.
func (h *Head) Conditions(buf []byte) (c Conditions, any bool) {
	get := func(id HeaderID) Condition {
		any = any || h.first[id] != 0
		return Condition{Sent: h.first[id] != 0, Value: h.Get(buf, id)}
	}
	c.IfUnmodifiedSince = get(HIfUnmodifiedSince)
	c.IfMatch = get(HIfMatch)
	c.IfModifiedSince = get(HIfModifiedSince)
	c.IfNoneMatch = get(HIfNoneMatch)
	return c, any
}

// Check returns 304 or 412 when a 200 must be replaced by it, else 200. etag is ""
// when the response has none, lastModified is NoTime when it has none.
func (c *Conditions) Check(etag string, lastModified int64, mode IfModifiedSince) int {
	if c.IfUnmodifiedSince.Sent {
		unix, _ := ParseDate(c.IfUnmodifiedSince.Value)
		if lastModified == NoTime || unix < lastModified {
			return 412
		}
	}
	if c.IfMatch.Sent && !MatchETag(c.IfMatch.Value, etag, false) {
		return 412
	}
	if !c.IfModifiedSince.Sent && !c.IfNoneMatch.Sent {
		return 200
	}
	if c.IfModifiedSince.Sent && modified(c.IfModifiedSince.Value, lastModified, mode) {
		return 200
	}
	if c.IfNoneMatch.Sent && !MatchETag(c.IfNoneMatch.Value, etag, true) {
		return 200
	}
	return 304
}

// modified reports whether a body is newer than the value of If-Modified-Since.
func modified(since string, lastModified int64, mode IfModifiedSince) bool {
	if lastModified == NoTime || mode == IfModifiedOff {
		return true
	}
	unix, _ := ParseDate(since)
	if unix == lastModified {
		return false
	}
	return mode == IfModifiedExact || unix < lastModified
}
