package http

import (
	"strconv"
	"time"

	"github.com/baton-project/baton/internal/variable"
	"golang.org/x/sys/unix"
)

// coreVariable is one line of the tables of the core's own variables.
type coreVariable struct {
	name  string
	get   Getter
	flags VariableFlags
}

func declareAll(m *MainBuilder, list []coreVariable) error {
	for _, v := range list {
		if err := m.Variable(v.name, v.get, v.flags); err != nil {
			return err
		}
	}
	return nil
}

// declareCore declares every variable of the core.
func declareCore(m *MainBuilder) error {
	if err := declareRequestVariables(m); err != nil {
		return err
	}
	declarePrefixVariables(m)
	if err := variable.DeclareConnection[*Request](m, m.env.Hostname, NginxVersion); err != nil {
		return err
	}
	m.main.vars.Named("args").OnSet(func(r *Request, value string) { r.Args, r.madeURI = value, true })
	if err := m.Variable("limit_rate", number(func(r *Request) int64 { return r.limitRate.V }), Changeable); err != nil {
		return err
	}
	m.main.vars.Named("limit_rate").OnSet((*Request).SetLimitRate)
	return declareAll(m, []coreVariable{
		{"server_name", text(func(r *Request) string { return r.server.name }), 0},
		{"connection_requests", number(func(r *Request) int64 { return int64(r.conn.requests) }), 0},
		{"connection_time", connectionTime, 0},
		{"http2", http2Variable, 0},
		{"pipe", pipe, 0},
		{"status", status, 0},
		{"bytes_sent", number((*Request).BytesSent), 0},
		{"body_bytes_sent", number((*Request).BodyBytesSent), 0},
		{"request_time", requestTime, 0},
		{"request_completion", requestCompletion, 0},
		{"tcpinfo_rtt", tcpInfo(func(i *unix.TCPInfo) uint32 { return i.Rtt }), 0},
		{"tcpinfo_rttvar", tcpInfo(func(i *unix.TCPInfo) uint32 { return i.Rttvar }), 0},
		{"tcpinfo_snd_cwnd", tcpInfo(func(i *unix.TCPInfo) uint32 { return i.Snd_cwnd }), 0},
		{"tcpinfo_rcv_space", tcpInfo(func(i *unix.TCPInfo) uint32 { return i.Rcv_space }), 0},
	})
}

func text(f func(*Request) string) Getter { return variable.Text(f) }

func number(f func(*Request) int64) Getter { return variable.Number(f) }

func connectionTime(r *Request) (string, bool) {
	return seconds(r, time.Duration(r.conn.worker.reactor.Tick()-r.conn.accepted)*time.Millisecond), true
}

func requestTime(r *Request) (string, bool) { return seconds(r, r.Time().Sub(r.started)), true }

// seconds writes d as nginx does: seconds with three decimals.
func seconds(r *Request, d time.Duration) string {
	return variable.Seconds(r, int64(d/time.Millisecond))
}

// Listening is what the configuration calls that address, and its port; 0 for a
// unix socket.
func (r *Request) Listening() (text string, port int) {
	return r.conn.site.address.String(), r.conn.localPort()
}

// pipe is "p" for a request that was sent before the answer to the one before.
func pipe(r *Request) (string, bool) {
	if r.pipelined {
		return "p", true
	}
	return ".", true
}

// status has three digits.
func status(r *Request) (string, bool) {
	s := r.Status()
	return View(append(r.Scratch(3), byte('0'+s/100%10), byte('0'+s/10%10), byte('0'+s%10))), true
}

func requestCompletion(r *Request) (string, bool) {
	if r.finished && !r.broken {
		return "OK", true
	}
	return "", true
}

// tcpInfo reads TCP_INFO anew for each use.
func tcpInfo(field func(*unix.TCPInfo) uint32) Getter {
	return func(r *Request) (string, bool) {
		var info *unix.TCPInfo
		err := r.conn.FD(func(descriptor int) (err error) {
			info, err = unix.GetsockoptTCPInfo(descriptor, unix.IPPROTO_TCP, unix.TCP_INFO)
			return err
		})
		if err != nil {
			return "", false
		}
		return View(strconv.AppendUint(r.Scratch(10), uint64(field(info)), 10)), true
	}
}
