package gateway

import (
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Settings are what the modules have in common that pass requests on: with the
// prefix "proxy_" they are those of the proxy module, and so on. A module's
// settings contain them; see Table and Merge.
type Settings struct {
	ConnectTimeout  conf.Setting[time.Duration]
	SendTimeout     conf.Setting[time.Duration] // between two writes of the request
	ReadTimeout     conf.Setting[time.Duration] // between two reads of the response
	SendLowat       conf.Setting[int64]
	SocketKeepalive conf.Setting[bool]
	ReceiveBuffer   conf.Setting[int64] // of the socket, 0: the system's
	SendBuffer      conf.Setting[int64] // of the socket, 0: the system's
	Bind            conf.Setting[Bind]

	PassRequestHeaders conf.Setting[bool]
	PassRequestBody    conf.Setting[bool]
	RequestBuffering   conf.Setting[bool]
	IgnoreClientAbort  conf.Setting[bool]

	Buffering     conf.Setting[bool]
	BufferSize    conf.Setting[int64] // bounds the head of a response
	Buffers       conf.Setting[conf.Buffers]
	BusySize      conf.Setting[int64]
	TempPath      conf.Setting[http.TempPath]
	MaxTempSize   conf.Setting[int64] // 0: no temporary files
	TempWriteSize conf.Setting[int64]
	LimitRate     conf.Setting[*conf.Directive] // nil: none
	PassTrailers  conf.Setting[bool]
	ForceRanges   conf.Setting[bool]

	NextUpstream        conf.Setting[Failure]
	NextUpstreamTries   conf.Setting[int]           // 0: any number
	NextUpstreamTimeout conf.Setting[time.Duration] // 0: none

	InterceptErrors conf.Setting[bool]
	IgnoreHeaders   conf.Setting[IgnoredHeaders]

	StoreSettings
	CacheSettings

	hide, pass []string // what directives say; nil: inherited
	hidden     *hiddenHeaders
}

// IgnoredHeaders are lines of a response that have no effect on the server.
type IgnoredHeaders uint16

// The words of ignore_headers.
const (
	IgnoreAccelRedirect IgnoredHeaders = 1 << iota
	IgnoreAccelExpires
	IgnoreAccelLimitRate
	IgnoreAccelBuffering
	IgnoreAccelCharset
	IgnoreExpires
	IgnoreCacheControl
	IgnoreSetCookie
	IgnoreVary
)

var ignorable = []conf.Choice[IgnoredHeaders]{
	{Word: "X-Accel-Redirect", V: IgnoreAccelRedirect},
	{Word: "X-Accel-Expires", V: IgnoreAccelExpires},
	{Word: "X-Accel-Limit-Rate", V: IgnoreAccelLimitRate},
	{Word: "X-Accel-Buffering", V: IgnoreAccelBuffering},
	{Word: "X-Accel-Charset", V: IgnoreAccelCharset},
	{Word: "Expires", V: IgnoreExpires},
	{Word: "Cache-Control", V: IgnoreCacheControl},
	{Word: "Set-Cookie", V: IgnoreSetCookie},
	{Word: "Vary", V: IgnoreVary},
}

// Failure is how an attempt at an upstream can fail; a set of them says when to
// go on with the next one.
type Failure uint32

// The words of next_upstream.
const (
	FailedError Failure = 1 << iota
	FailedTimeout
	FailedInvalidHeader
	FailedHTTP500
	FailedHTTP502
	FailedHTTP503
	FailedHTTP504
	FailedHTTP403
	FailedHTTP404
	FailedHTTP429
	FailedUpdating // of the cache; accepted
	failedNoLive
	NonIdempotent // together with another: the request changes something
	nextOff
)

// failures are the words that next_upstream of every module knows.
var failures = []conf.Choice[Failure]{
	{Word: "error", V: FailedError},
	{Word: "timeout", V: FailedTimeout},
	{Word: "invalid_header", V: FailedInvalidHeader},
	{Word: "non_idempotent", V: NonIdempotent},
	{Word: "http_500", V: FailedHTTP500},
	{Word: "http_502", V: FailedHTTP502},
	{Word: "http_503", V: FailedHTTP503},
	{Word: "http_504", V: FailedHTTP504},
	{Word: "http_403", V: FailedHTTP403},
	{Word: "http_404", V: FailedHTTP404},
	{Word: "http_429", V: FailedHTTP429},
	{Word: "updating", V: FailedUpdating},
	{Word: "off", V: nextOff},
}

// bitmask makes the Set function of a directive that names members of a set.
func bitmask[C any, T ~uint16 | ~uint32](words []conf.Choice[T], field func(*C) *conf.Setting[T]) func(*C, *conf.Directive) error {
	return func(c *C, d *conf.Directive) error {
		s := field(c)
		sum := s.V
		for _, arg := range d.Args {
			found := false
			for _, w := range words {
				if !equalFold(w.Word, arg) {
					continue
				}
				if sum&w.V != 0 {
					d.Warnf(`duplicate value "%s"`, arg)
				}
				sum, found = sum|w.V, true
			}
			if !found {
				return d.Errorf(`invalid value "%s"`, arg)
			}
		}
		*s = conf.Setting[T]{} // it may stand more than once, and adds up
		return s.Set(sum)
	}
}

// Defaults are what differs from module to module.
type Defaults struct {
	TempFolder string   // relative to the prefix
	Hidden     []string // lines of responses that are not passed on
}

const pageSize = 4 << 10

// Merge fills what s left unset from the enclosing level's outer. prefix is that
// of the module's directives. Errors have no place: nginx does not name it
// either.
func (s *Settings) Merge(prefix string, outer *Settings, defaults Defaults) error {
	s.ConnectTimeout.Inherit(outer.ConnectTimeout, time.Minute)
	s.SendTimeout.Inherit(outer.SendTimeout, time.Minute)
	s.ReadTimeout.Inherit(outer.ReadTimeout, time.Minute)
	s.SendLowat.Inherit(outer.SendLowat, 0)
	s.SocketKeepalive.Inherit(outer.SocketKeepalive, false)
	s.ReceiveBuffer.Inherit(outer.ReceiveBuffer, 0)
	s.SendBuffer.Inherit(outer.SendBuffer, 0)
	s.Bind.Inherit(outer.Bind, Bind{})
	s.PassRequestHeaders.Inherit(outer.PassRequestHeaders, true)
	s.PassRequestBody.Inherit(outer.PassRequestBody, true)
	s.RequestBuffering.Inherit(outer.RequestBuffering, true)
	s.IgnoreClientAbort.Inherit(outer.IgnoreClientAbort, false)
	s.Buffering.Inherit(outer.Buffering, true)
	s.BufferSize.Inherit(outer.BufferSize, pageSize)
	s.Buffers.Inherit(outer.Buffers, conf.Buffers{Num: 8, Size: pageSize})
	s.TempPath.Inherit(outer.TempPath, http.DefaultTempPath(defaults.TempFolder, 1, 2))
	s.LimitRate.Inherit(outer.LimitRate, nil)
	s.PassTrailers.Inherit(outer.PassTrailers, false)
	s.ForceRanges.Inherit(outer.ForceRanges, false)
	s.NextUpstream.Inherit(outer.NextUpstream, FailedError|FailedTimeout)
	if s.NextUpstream.V&nextOff != 0 {
		s.NextUpstream.V = nextOff
	}
	s.NextUpstreamTries.Inherit(outer.NextUpstreamTries, 0)
	s.NextUpstreamTimeout.Inherit(outer.NextUpstreamTimeout, 0)
	s.InterceptErrors.Inherit(outer.InterceptErrors, false)
	s.IgnoreHeaders.Inherit(outer.IgnoreHeaders, 0)
	s.mergeStore(outer)
	s.mergeHidden(outer, defaults.Hidden)
	if err := s.CacheSettings.merge(prefix, &outer.CacheSettings); err != nil {
		return err
	}
	return s.mergeSizes(prefix, outer)
}
