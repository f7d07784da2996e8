package gateway

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// An Answer is the head of an upstream's answer. Strings may be views of the
// exchange's memory.
type Answer struct {
	Status     int
	StatusLine string // "200 OK"; "": made of Status
	// Lines are all lines of the head. Those that count for nothing, as they are
	// there twice, have no Name.
	Lines []Line
	// ContentLength is -1 when it is not given.
	ContentLength int64
	LastModified  int64 // Unix seconds, h1.NoTime when it is not given
	Chunked       bool
	// ConnectionClose: the upstream will close the connection.
	ConnectionClose bool
	// KeepAlive: the codec has seen the end of the answer, and the connection
	// can be used again.
	KeepAlive bool
	// Whole: Server and Date of the upstream are passed on where they are not
	// hidden, even if it sends none.
	Whole bool
	// Upgrade: the connection becomes a tunnel.
	Upgrade  bool
	Trailers http.Headers

	severalVary bool // a Vary was seen

	first [numIDs]uint16 // place of the first line of each kind, and 1
}

const numIDs = 32

// A Line is one line of an answer's head.
type Line struct {
	Name, Value string
	ID          h1.AnswerID
}

// Reset makes a ready for another head. Memory is kept.
func (a *Answer) Reset() {
	*a = Answer{Lines: a.Lines[:0], Trailers: a.Trailers[:0], ContentLength: -1, LastModified: h1.NoTime}
}

// Get returns the value of the first line of a kind.
func (a *Answer) Get(id h1.AnswerID) (string, bool) {
	if n := a.first[id]; n > 0 {
		return a.Lines[n-1].Value, true
	}
	return "", false
}

// AddLine takes a line of the head into x.Answer. It reports false when the head
// is refused because of it, which was logged.
func (x *Exchange) AddLine(name, value string, id h1.AnswerID) bool {
	a := &x.Answer
	a.Lines = append(a.Lines, Line{Name: name, Value: value, ID: id})
	if id == h1.AnswerOther || len(a.Lines) >= 1<<16 {
		return true
	}
	line := &a.Lines[len(a.Lines)-1]
	before := a.first[id]
	if before == 0 {
		a.first[id] = uint16(len(a.Lines))
	}
	switch id {
	case h1.AnswerConnection:
		if containsFold(value, "close") {
			a.ConnectionClose = true
		}
	case h1.AnswerContentLength, h1.AnswerTransferEncoding:
		return x.addFraming(line, before)
	case h1.AnswerStatus, h1.AnswerContentType, h1.AnswerDate, h1.AnswerLastModified, h1.AnswerETag, h1.AnswerServer,
		h1.AnswerLocation, h1.AnswerRefresh, h1.AnswerExpires, h1.AnswerXAccelExpires, h1.AnswerXAccelRedirect, h1.AnswerXAccelLimitRate:
		if before != 0 {
			old := &a.Lines[before-1]
			x.Request.Logf(log.Warn, `upstream sent duplicate header line: "%s: %s", previous value: "%s: %s", ignored`,
				name, value, old.Name, old.Value)
			line.Name = ""
			return true
		}
		x.applyLine(id, value)
	case h1.AnswerXAccelBuffering:
		x.applyLine(id, value)
	case h1.AnswerCacheControl, h1.AnswerSetCookie, h1.AnswerVary:
		x.heed(id, value)
	}
	return true
}

// addFraming takes in a line that tells how long the body is.
func (x *Exchange) addFraming(line *Line, before uint16) bool {
	a, r := &x.Answer, x.Request
	switch {
	case before != 0:
		old := &a.Lines[before-1]
		r.Logf(log.Error, `upstream sent duplicate header line: "%s: %s", previous value: "%s: %s"`, line.Name, line.Value, old.Name, old.Value)
		return false
	case a.first[h1.AnswerContentLength] != 0 && a.first[h1.AnswerTransferEncoding] != 0:
		r.Logf(log.Error, `upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time`)
		return false
	case line.ID == h1.AnswerTransferEncoding:
		if !h1.EqualFold(line.Value, "chunked") {
			r.Logf(log.Error, `upstream sent unknown "Transfer-Encoding": "%s"`, line.Value)
			return false
		}
		a.Chunked = true
		return true
	}
	n, err := conf.ParseNumber(line.Value)
	if err != nil {
		r.Logf(log.Error, `upstream sent invalid "Content-Length" header: "%s: %s"`, line.Name, line.Value)
		return false
	}
	a.ContentLength = n
	return true
}

// applyLine does what a line asks the server for.
func (x *Exchange) applyLine(id h1.AnswerID, value string) {
	ignored := x.Pass.Settings.IgnoreHeaders.V
	switch id {
	case h1.AnswerExpires, h1.AnswerXAccelExpires:
		x.heed(id, value)
	case h1.AnswerLastModified:
		x.Answer.LastModified, _ = h1.ParseDate(value)
	case h1.AnswerXAccelLimitRate:
		if n, err := conf.ParseNumber(value); err == nil && ignored&IgnoreAccelLimitRate == 0 {
			x.Request.SetLimitRateTo(n)
		}
	case h1.AnswerXAccelBuffering:
		if ignored&IgnoreAccelBuffering != 0 {
			return
		}
		switch {
		case h1.EqualFold(value, "no"):
			x.buffering = false
		case h1.EqualFold(value, "yes"):
			x.buffering = true
		}
	}
}

// containsFold reports whether low, in lower case, is somewhere in s.
func containsFold(s, low string) bool {
	for i := 0; i+len(low) <= len(s); i++ {
		if h1.EqualFold(s[i:i+len(low)], low) {
			return true
		}
	}
	return false
}

// isUnixName reports whether a peer's name is that of a unix socket.
func isUnixName(name string) bool { return strings.HasPrefix(name, "unix:") }
