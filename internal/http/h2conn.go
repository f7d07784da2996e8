package http

import (
	"errors"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h2"
	"golang.org/x/sys/unix"
)

// An h2Conn is HTTP/2 on the connection of a client.
//
//	             Serve: frames are read           last stream gone
//	at rest <----------------------------> busy
//	   |  goaway, no stream, all sent        |  connection error: goaway,
//	   v                                     v  streams end, all sent
//	lingering <------------------------------+
//	   |  end of the stream, or its time
//	   v
//	closed <--- the client is lost, and nobody writes or runs any more
//
// One goroutine at a time reads frames: that which the reactor has given the
// connection to. Streams run on goroutines of their own and put frames into out;
// the flusher, one at a time too, writes what has gathered there. With no stream
// and nothing to do the connection is at rest, and has no buffer.
type h2Conn struct {
	c       *Conn
	conf    *http2Conf // of the address's server
	flusher h2Flusher

	// The reader's:
	decoder    h2.Decoder
	held       []byte // the front of a frame that is not all there
	block      h2Block
	part       h2Part
	lingerEnd  int64  // tick
	total      int64  // bytes read
	last       uint32 // the latest stream of the client that is served
	begunLast  uint32 // the latest that it has begun, perhaps before it saw our GOAWAY
	newStreams int    // since the reactor called
	refused    int
	priorities int // PRIORITY frames that are still allowed
	wakes      int // from rest without a stream
	cancels    int // RST_STREAM frames since the tick cancelsFrom
	cancelFrom int64
	begun      int64 // tick at which what is incomplete began; 0: nothing is
	prefaced   bool
	settled    bool // our settings were acknowledged
	recvWindow int64

	mu          sync.Mutex // guards what follows, and of each stream what it says
	streams     map[uint32]*h2Stream
	out         []byte      // frames not yet written
	waiting     []*h2Stream // for room or for sendWindow, who goes first first
	tree        h2.Tree
	early       [16]uint32 // streams that we have ended while the client had not
	earlyAt     int
	sendWindow  int64
	initWindow  int64 // of new streams, to send
	frameSize   int   // of bodies
	blockSize   int   // of a frame of a header block
	payload     int64 // bytes that were worth something, both ways
	idleSince   int64 // tick at which the last stream ended
	tableUpdate bool
	writing     bool // the flusher is at work, or about to
	goaway      bool // was sent: later streams are not served
	closing     bool // nothing more is read; c is nobody's but this struct's
	broken      bool // ... and nothing more is written
	lingering   bool
}

// h2Flusher is what the reactor calls to write; it is no connection.
type h2Flusher struct {
	poll.Conn
	h *h2Conn
}

const (
	processingH2 = " while processing HTTP/2 connection"

	h2InSize     = 64 << 10  // of the buffer for frames; a frame fits
	h2OutSize    = 16 << 10  // of a usual buffer for what is to be written
	h2OutLimit   = 64 << 10  // what streams may put into it
	h2LargeSize  = 80 << 10  // of a buffer for bodies
	h2Flood      = 256 << 10 // what answers to the client's frames may make of it
	h2BodyWindow = 256 << 10 // of a body that is being read
)

var errH2Lost = errors.New("HTTP/2 connection is lost")

// http2Starts reports whether HTTP/2 begins on a new connection. Where it does not
// look like that, HTTP/1 goes on with what is in x.in. When gone is set the
// connection is at rest or closed, and x given back.
func (c *Conn) http2Starts(x *exchange) (starts, gone bool) {
	if c.secured != nil {
		return c.secured.stream.Info().Protocol == "h2", false
	}
	if c.site.ssl {
		return false, false // plain HTTP, to be refused
	}
	for {
		n := min(len(x.in), len(h2.Preface))
		switch {
		case string(x.in[:n]) != h2.Preface[:n]:
			return false, false
		case n == len(h2.Preface):
			return true, false
		}
		var err error
		free := x.in[len(x.in):cap(x.in)]
		if n == 0 {
			n, err = c.TryRead(free)
			if errors.Is(err, poll.ErrAgain) {
				c.settle(x, c.restTime)
				return false, true
			}
			x.firstByte = c.worker.reactor.Tick()
		} else {
			c.SetReadTimeout(c.restTime())
			n, err = c.Read(free)
		}
		if n == 0 {
			switch {
			case errors.Is(err, io.EOF):
				c.logf(log.Info, "client closed connection%s", waitingRequest)
			case errors.Is(err, poll.ErrTimeout):
				c.logf(log.Info, "client timed out (110: Connection timed out)%s", waitingRequest)
			case errors.Is(err, errDraining):
			default:
				c.logf(log.Info, "recv() failed (%s)%s", log.ErrText(err), waitingRequest)
			}
			c.leave(x)
			return false, true
		}
		x.in = x.in[:len(x.in)+n]
	}
}

// startHTTP2 goes on with HTTP/2; x is given back.
func (c *Conn) startHTTP2(x *exchange) {
	w := c.worker
	h := &h2Conn{
		c: c, conf: c.defaultServer().whole.http2, held: append([]byte(nil), x.in...),
		recvWindow: h2.MaxWindow, sendWindow: h2.Window, initWindow: h2.Window, frameSize: h2.MaxFrame, blockSize: h2.MaxFrame,
		begun: c.accepted, idleSince: w.reactor.Tick(),
	}
	h.total = int64(len(h.held))
	h.priorities = max(h.conf.MaxStreams.V, 100)
	h.flusher.h = h
	x.leaveStats()
	w.put(x)
	c.SetHandler(h)
	w.reactor.Join(&h.flusher.Conn, &h.flusher)
	h.mu.Lock()
	h.frame(h2.Head{Length: 3 * h2.SettingSize, Type: h2.Settings})
	h.out = h2.AppendSetting(h.out, h2.MaxConcurrentStreams, uint32(h.conf.MaxStreams.V))
	h.out = h2.AppendSetting(h.out, h2.InitialWindowSize, uint32(h.conf.Preread.V))
	h.out = h2.AppendSetting(h.out, h2.MaxFrameSize, h2FrameMost)
	h.out = h2.AppendWindowUpdate(h.out, 0, h2.MaxWindow-h2.Window)
	h.schedule()
	h.mu.Unlock()
	h.Serve(&c.Conn)
}

// guard ends a connection whose code panicked; the worker lives on.
func (h *h2Conn) guard() {
	if reason := recover(); reason != nil {
		h.c.logPanic(reason)
		h.abandon()
	}
}

func (c *Conn) logPanic(reason any) {
	logger := c.worker.main.env.Logger
	logger.Logf(log.Alert, c.number, "panic: %v", reason)
	logger.Logf(log.Debug, c.number, "%s", debug.Stack())
}

// Serve is called by the reactor when there is something to read.
func (h *h2Conn) Serve(*poll.Conn) {
	defer h.guard()
	switch {
	case h.lingering:
		h.linger()
		return
	case h.idles():
		if h.wakes++; h.wakes > 10*h.c.site.server.whole.conn.KeepaliveRequests.V {
			h.flooded()
			return
		}
	}
	h.newStreams = 0
	pool := &h.c.worker.frames
	buffer := pool.Get().(*[h2InSize]byte)
	ok := h.readFrames(buffer[:])
	pool.Put(buffer)
	if ok {
		h.settle()
	}
}

func (h *h2Conn) idles() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams) == 0
}

// readFrames takes what frames are there. It reports false when the connection
// came to its end.
func (h *h2Conn) readFrames(buffer []byte) bool {
	buffer = h.enough(buffer, h.held)
	n := copy(buffer, h.held)
	for first := true; ; first = false {
		used, ok := 0, true
		if !first || n > 0 {
			used, ok = h.take(buffer[:n])
		}
		if !ok {
			return false
		}
		if used > 0 {
			n = copy(buffer, buffer[used:n])
		}
		if h.tooLittle() {
			h.flooded()
			return false
		}
		buffer = h.enough(buffer, buffer[:n])
		got, err := h.c.TryRead(buffer[n:])
		if errors.Is(err, poll.ErrAgain) {
			break
		}
		if got == 0 {
			h.lost(err, n > 0)
			return false
		}
		h.total += int64(got)
		n += got
	}
	if h.hopeless(buffer[:n]) {
		return h.fail(h2.CompressionError, "client sent header block with too long number")
	}
	if n == 0 && cap(h.held) > 1<<10 {
		h.held = nil
	}
	h.held = append(h.held[:0], buffer[:n]...)
	return true
}

// tooLittle reports whether most of what the client sends is worth nothing.
func (h *h2Conn) tooLittle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.total/8 > h.payload+1<<20
}

func (h *h2Conn) flooded() {
	h.c.logf(log.Info, "http2 flood detected%s", processingH2)
	h.finalize(h2.NoError)
}

// settle lets the connection rest, or end when its time has come.
func (h *h2Conn) settle() {
	w := h.c.worker
	w.settling.Add(1)
	defer w.settling.Add(-1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if w.draining.Load() {
		h.sendGoAway(h2.NoError)
	}
	if h.done() {
		h.startLinger()
		return
	}
	h.c.Rest(h.restTime())
}

// incomplete reports whether the rest of a head is waited for.
func (h *h2Conn) incomplete() bool {
	return !h.prefaced || h.block.open
}

// restTime is how long the connection may rest. The deadline of one with streams is
// looked at when it comes.
func (h *h2Conn) restTime() time.Duration {
	r := h.c.worker.reactor
	conf := h.c.site.server
	if h.incomplete() {
		if h.begun == 0 {
			h.begun = r.Tick()
		}
		return h.left(h.begun, conf.conf.HeaderTimeout.V)
	}
	h.begun = 0
	timeout := conf.whole.conn.KeepaliveTimeout.V
	if timeout == 0 {
		timeout = time.Minute // it ends with its first stream, or never has one
	}
	if len(h.streams) > 0 {
		return timeout
	}
	return h.left(h.idleSince, timeout)
}

// left is what is left of d since the tick from.
func (h *h2Conn) left(from int64, d time.Duration) time.Duration {
	return max(d-time.Duration(h.c.worker.reactor.Tick()-from)*time.Millisecond, time.Millisecond)
}

// Expire is called by the reactor when nothing came in time.
func (h *h2Conn) Expire(*poll.Conn) {
	defer h.guard()
	if h.lingering {
		h.c.close(false)
		return
	}
	if h.incomplete() {
		h.c.logf(log.Info, "client timed out (110: Connection timed out)%s", processingH2)
		h.finalize(h2.ProtocolError)
		return
	}
	h.mu.Lock()
	d := h.restTime()
	if len(h.streams) > 0 || d > time.Millisecond {
		h.c.Rest(d)
		h.mu.Unlock()
		return
	}
	h.mu.Unlock()
	h.finalize(h2.NoError)
}

// lost notes that the client is gone.
func (h *h2Conn) lost(err error, incomplete bool) {
	switch {
	case errors.Is(err, io.EOF):
		if incomplete || h.incomplete() || !h.idles() {
			h.c.logf(log.Info, "client prematurely closed connection%s", processingH2)
		}
	case errors.Is(err, unix.ECONNRESET) && h.idles(), errors.Is(err, errDraining):
	default:
		h.c.logf(log.Info, "recv() failed (%s)%s", log.ErrText(err), processingH2)
	}
	h.abandon()
}

// abandon ends the connection without another word, as soon as nobody uses it any
// more. It is for who has c.
func (h *h2Conn) abandon() {
	h.mu.Lock()
	h.closing, h.broken = true, true
	h.out = nil
	h.endStreams()
	writing := h.writing
	h.mu.Unlock()
	if writing {
		h.c.Wake(errH2Lost)
	}
	h.close()
}

// finalize ends the connection with a reason for the client. It is for who has c.
func (h *h2Conn) finalize(why h2.Code) {
	h.mu.Lock()
	h.sendGoAway(why)
	h.closing = true
	h.endStreams()
	h.mu.Unlock()
	h.close()
}

// sendGoAway is to be called with mu held.
func (h *h2Conn) sendGoAway(why h2.Code) {
	if h.goaway || h.broken {
		return
	}
	h.goaway = true
	h.control()
	h.out = h2.AppendGoAway(h.out, h.last, why)
	h.schedule()
}

// endStreams tells every stream that nobody listens any more. mu is held.
func (h *h2Conn) endStreams() {
	for _, s := range h.streams {
		s.gone = true
		s.conn.Report(poll.Input | poll.Room | poll.Ended)
	}
}

// done reports whether the connection has nothing more to do. mu is held.
func (h *h2Conn) done() bool {
	return (h.goaway || h.closing) && len(h.streams) == 0 && !h.writing && (h.broken || len(h.out) == 0)
}

// close ends the connection when its time has come.
func (h *h2Conn) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lingering || !h.done() || !h.closing && !h.c.worker.reactor.Evict(&h.c.Conn) {
		return // if somebody reads, they will see
	}
	h.startLinger()
}

// startLinger ends our side, and closes when the client has got it. It is for who
// has c; mu is held.
func (h *h2Conn) startLinger() {
	h.lingering = true
	conf := h.c.site.server.whole.conn
	h.flusher.Leave()
	h.held, h.waiting = nil, nil
	if h.broken || conf.LingeringClose.V == lingerOff || h.c.ShutdownWrite() != nil {
		h.c.close(false)
		return
	}
	h.lingerEnd = h.c.worker.reactor.Tick() + int64(conf.LingeringTime.V/time.Millisecond)
	h.c.Rest(min(conf.LingeringTime.V, conf.LingeringTimeout.V))
}

// linger reads and drops what the client still sends.
func (h *h2Conn) linger() {
	pool := &h.c.worker.frames
	buffer := pool.Get().(*[h2InSize]byte)
	defer pool.Put(buffer)
	for {
		n, err := h.c.TryRead(buffer[:])
		left := h.left(h.c.worker.reactor.Tick(), time.Duration(h.lingerEnd-h.c.worker.reactor.Tick())*time.Millisecond)
		switch {
		case left <= time.Millisecond || n == 0 && !errors.Is(err, poll.ErrAgain):
			h.c.close(false)
			return
		case n == 0:
			h.c.Rest(min(left, h.c.site.server.whole.conn.LingeringTimeout.V))
			return
		}
	}
}

// drain lets streams finish that have begun, and takes no more. It may be called on
// the reactor's goroutine.
func (h *h2Conn) drain() {
	h.mu.Lock()
	if !h.closing && !h.lingering {
		h.sendGoAway(h2.NoError)
	}
	h.mu.Unlock()
	h.close()
}

// kill ends the connection and its streams at once. It runs on the reactor's
// goroutine.
func (h *h2Conn) kill() {
	mine := h.c.worker.reactor.Evict(&h.c.Conn)
	h.mu.Lock()
	if h.lingering {
		h.mu.Unlock()
		if mine {
			h.c.close(false)
		}
		return
	}
	h.broken = true
	h.closing = h.closing || mine
	h.goaway = true
	h.out = nil
	for _, s := range h.streams {
		s.gone = true
		s.conn.Report(poll.Input | poll.Room | poll.Ended)
		s.conn.Wake(errDraining)
	}
	h.mu.Unlock()
	h.c.Wake(errDraining)
	h.close()
}
