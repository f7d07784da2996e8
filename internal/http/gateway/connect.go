package gateway

import (
	"errors"
	"os"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/upstream"
	"golang.org/x/sys/unix"
)

// errClientGone wakes what waits for the upstream when the client has gone.
var errClientGone = errors.New("client closed connection")

const (
	connecting   = " while connecting to upstream"
	sending      = " while sending request to upstream"
	readingHead  = " while reading response header from upstream"
	readingBody  = " while reading upstream"
	sendingReply = " while sending to client"
)

// connect chooses a peer and gets a connection to it.
func (x *Exchange) connect() (failed Failure, rc http.Result) {
	r := x.Request
	r.Doing(connecting)
	x.attemptBegan = r.Tick()
	x.States = append(x.States, State{ConnectTime: -1, HeaderTime: -1, ResponseTime: -1})
	x.cached = false
	peer, err := x.session.Next()
	if err != nil {
		x.state().Peer = x.group().Name()
		r.Logf(log.Error, "no live upstreams")
		return failedNoLive, 0
	}
	x.state().Peer = peer.Address.Name
	if s := x.sticker(); s != nil {
		s.Chosen(r, peer.SID)
	}
	tag, rc := x.tag()
	if rc != http.Declined {
		return 0, rc
	}
	x.conn = x.group().Take(peer, tag)
	if x.cached = x.conn != nil; !x.cached {
		if failed, rc = x.dial(peer, tag); failed != 0 || rc != http.Declined {
			return failed, rc
		}
		if x.SSL {
			if failed, rc = x.shake(); failed != 0 || rc != http.Declined {
				return failed, rc
			}
		}
	}
	if s, ok := x.conn.Data.(*tls.Stream); ok {
		x.up = s
	} else {
		x.up = &x.conn.Conn
	}
	x.conn.Requests++
	if x.watchClient() {
		return 0, r.LostClient(true)
	}
	x.state().ConnectTime = r.Tick() - x.attemptBegan
	return 0, http.Declined
}

// tag is what else than the address a kept connection must have in common with
// the one that is asked for.
func (x *Exchange) tag() (string, http.Result) {
	tag := ""
	if x.duplex != nil {
		tag = duplexTag
	}
	if x.SSL {
		tag += x.sslTag()
	}
	return tag, http.Declined
}

// dial opens a connection.
func (x *Exchange) dial(peer *upstream.Peer, tag string) (failed Failure, rc http.Result) {
	r, s := x.Request, x.Pass.Settings
	out := poll.Outgoing{Timeout: s.ConnectTimeout.V, From: x.local, Transparent: s.Bind.V.transparent}
	options := upstream.SocketOptions{Keepalive: s.SocketKeepalive.V, ReceiveBuffer: s.ReceiveBuffer.V, SendBuffer: s.SendBuffer.V}
	if options != (upstream.SocketOptions{}) {
		out.Setup = options.Setup
	}
	x.conn = &upstream.Conn{Address: peer.Address, Tag: tag}
	if x.watchClient() {
		x.conn = nil
		return 0, r.LostClient(false)
	}
	err := x.conn.Dial(r.Reactor(), &out)
	x.unwatch()
	if err == nil {
		return 0, http.Declined
	}
	x.conn = nil
	if failure, ok := upstream.Describe(err, peer.Address.Name); ok {
		r.LogErr(failure.Level, failure.Errno, "%s", failure.Text)
		if failure.Ours {
			x.state().Peer = ""
			return 0, 500
		}
		return FailedError, 0
	}
	return x.lost(err, "connect")
}

// lost is what follows an error of the connection to the upstream.
func (x *Exchange) lost(err error, call string) (failed Failure, rc http.Result) {
	switch {
	case errors.Is(err, poll.ErrTimeout):
		return FailedTimeout, 0
	case errors.Is(err, errClientGone):
		if x.sent && !x.received {
			x.Request.Doing(sending) // nginx is at that until something comes
		}
		return 0, x.Request.LostClient(x.conn != nil)
	}
	var bad *http.BodyError
	if errors.As(err, &bad) {
		return 0, bad.Status
	}
	var errno unix.Errno
	if errors.As(err, &errno) {
		level := log.Error
		if !upstream.Expected(errno) {
			level = log.Alert
		}
		x.Request.LogErr(level, errno, "%s() failed", call)
		return FailedError, 0
	}
	if x.SSL && !errors.Is(err, poll.ErrStopped) && !errors.Is(err, os.ErrClosed) {
		x.Request.Logf(log.Error, "%s() failed %s", call, tls.Text(err))
		return FailedError, 0
	}
	return 0, http.StatusClientClosed // the worker ends
}

// watchClient lets the end of the client's connection wake waits on that to the
// upstream. It reports true when the client has gone already.
func (x *Exchange) watchClient() bool {
	if !x.watchesClient() {
		return false
	}
	x.watch.Other, x.watch.Ended = &x.conn.Conn, errClientGone
	x.watched = true
	return x.Request.WatchClient(&x.watch)
}

func (x *Exchange) unwatch() {
	if x.watched {
		x.watched = false
		x.Request.UnwatchClient()
		if x.conn != nil {
			x.conn.Wake(nil)
		}
	}
}

// closeConn closes the connection to the upstream.
func (x *Exchange) closeConn() {
	x.unwatch()
	if x.conn != nil {
		x.endSSL()
		_ = x.conn.Close() // nothing is left to be sent
		x.conn = nil
	}
}

// giveUpConn keeps the connection for others, if it can be used again.
func (x *Exchange) giveUpConn() {
	x.unwatch()
	if x.conn == nil {
		return
	}
	if x.Answer.KeepAlive && x.allSent && !x.Request.Draining() && x.keepable() && x.settle() && x.group().Keep(x.conn) {
		x.conn = nil
		return
	}
	x.closeConn()
}

// watchesClient reports whether the request ends when the client goes away.
func (x *Exchange) watchesClient() bool {
	return !x.Pass.Settings.IgnoreClientAbort.V && !x.Cacheable() && !x.stores()
}
