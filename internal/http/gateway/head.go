package gateway

import (
	"errors"
	"io"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cache"
	"github.com/baton-project/baton/internal/log"
)

// readHead reads the head of the answer.
func (x *Exchange) readHead() (failed Failure, rc http.Result) {
	x.Request.Doing(readingHead)
	x.headRoom()
	limit := x.headLimit()
	_, silent := x.codec.(Silent)
	if silent || len(x.head) > 0 { // it came before the request was sent
		if failed, rc, done := x.parseHead(limit); failed != 0 || rc != http.Declined {
			return failed, rc
		} else if done {
			x.state().HeaderTime = x.Request.Tick() - x.attemptBegan
			return x.judge()
		}
	}
	for {
		n, err := x.readUp(x.head[len(x.head):limit])
		if errors.Is(err, io.EOF) {
			x.Request.Logf(log.Error, "upstream prematurely closed connection")
			return FailedError, 0
		}
		if err != nil {
			return x.lost(err, "recv")
		}
		x.head = x.head[:len(x.head)+n]
		x.state().BytesReceived += int64(n)
		x.received = true
		failed, rc, done := x.parseHead(limit)
		if failed != 0 || rc != http.Declined {
			return failed, rc
		}
		if done {
			x.state().HeaderTime = x.Request.Tick() - x.attemptBegan
			return x.judge()
		}
	}
}

// headLimit bounds the head of the answer: in a file of the cache there is something
// before it.
func (x *Exchange) headLimit() int {
	limit := int(x.Pass.Settings.BufferSize.V)
	if k := x.kept; k != nil && k.cache != nil {
		limit -= cache.HeadStart(len(k.text))
	}
	return limit
}

// headRoom makes room for the head of the answer.
func (x *Exchange) headRoom() {
	if limit := x.headLimit(); cap(x.head) < limit {
		x.head = append(make([]byte, 0, limit), x.head...)
	}
}

// parseHead looks at what has been read of the head.
func (x *Exchange) parseHead(limit int) (failed Failure, rc http.Result, done bool) {
	for {
		used, result := x.codec.ReadHead(x, x.head[x.start:])
		x.start += used
		switch result {
		case HeadDone:
			return 0, http.Declined, true
		case HeadFailed:
			return FailedInvalidHeader, 0, false
		case HeadBroken:
			return 0, 500, false
		case HeadEarly:
			if x.passEarly(used) != nil {
				return 0, http.Done, false
			}
			x.dropEarly()
			continue
		}
		if x.start == len(x.head) && !x.Cacheable() {
			x.head, x.start = x.head[:0], 0
		}
		if len(x.head) == limit {
			x.Request.Logf(log.Error, "upstream sent too big header")
			return FailedInvalidHeader, 0, false
		}
		return 0, http.Declined, false
	}
}

// dropEarly makes room for the head behind one of status 103.
func (x *Exchange) dropEarly() {
	x.Answer.Reset()
	rest := copy(x.head, x.head[x.start:])
	x.head, x.start = x.head[:rest], 0
}

// judge decides whether an answer that tells of an error is passed on.
func (x *Exchange) judge() (failed Failure, rc http.Result) {
	s, status := x.Pass.Settings, x.Answer.Status
	if status < 300 {
		return 0, http.Declined
	}
	if f := failureOf(status); f != 0 && x.session.Tries() > 1 && x.mayRepeat(f) {
		return f, 0
	}
	if x.mayBeStale(failureOf(status)) {
		return 0, x.sendStale()
	}
	if x.isRevalidated() {
		return 0, x.sendRevalidated()
	}
	if status == 404 && x.Pass.Intercept404 {
		return 0, 404
	}
	if s.InterceptErrors.V && x.Request.HasErrorPage(status) {
		if status == 401 {
			x.copyAuthenticate()
		}
		x.rememberStatus(status)
		return 0, http.Result(status)
	}
	return 0, http.Declined
}

// failureOf is the word of next_upstream for a status; 0 when there is none.
func failureOf(status int) Failure {
	switch status {
	case 500:
		return FailedHTTP500
	case 502:
		return FailedHTTP502
	case 503:
		return FailedHTTP503
	case 504:
		return FailedHTTP504
	case 403:
		return FailedHTTP403
	case 404:
		return FailedHTTP404
	case 429:
		return FailedHTTP429
	}
	return 0
}
