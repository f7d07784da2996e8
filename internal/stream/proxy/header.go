package proxy

import (
	"net/netip"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/wire/proxyproto"
)

// sendHeader tells the upstream who the client is, if it is to know.
func (r *relay) sendHeader() stream.Result {
	if r.conf.Protocol.V == 0 || r.headed > 0 {
		return stream.OK
	}
	s := r.s
	from, to := addrPort(s.Peer()), netip.AddrPort{}
	if local, err := s.LocalAddr(); err == nil {
		to = addrPort(local)
	}
	var header []byte
	if r.conf.Protocol.V == 2 {
		var err error
		if header, err = proxyproto.AppendV2(nil, from, to, proxyproto.Stream, nil, nil); err != nil {
			s.Logf(log.Error, "%v", err)
			return stream.StatusInternalError
		}
	} else {
		header = proxyproto.AppendV1(nil, from, to)
	}
	r.conn.SetWriteTimeout(r.conf.Timeout.V)
	n, err := r.conn.Write(header)
	r.headed = int64(n)
	if err != nil {
		s.Doing(sendingUpstream)
		s.LogErr(log.Error, err, "send() failed")
		return stream.StatusOK
	}
	return stream.OK
}

// addrPort is not valid for a unix socket.
func addrPort(a poll.Sockaddr) netip.AddrPort {
	if a.IsUnix() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr(), uint16(a.Port()))
}
