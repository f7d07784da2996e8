package gateway

import "github.com/baton-project/baton/internal/http"

// A Codec is a protocol spoken with upstreams, and its state for one exchange.
// It is used by one goroutine, and again for other exchanges.
type Codec interface {
	// Begin makes the codec ready for x's request and says whereto by
	// x.SetTarget. Anything but Declined ends the request.
	Begin(x *Exchange) http.Result
	// TakesBody says whether the request's body is sent at all, and whether it may
	// be sent while it is read from the client. It may be called after Begin.
	TakesBody(x *Exchange) (send, stream bool)
	// AppendHead appends all that stands before the body. size is that of the
	// body, or NoBody or UnknownSize. Anything but Declined
	// ends the request.
	AppendHead(dst []byte, x *Exchange, size int64) ([]byte, http.Result)
	// PieceHead appends what stands before the next n bytes of the body, and
	// PieceTail what stands behind them; n is at most MaxPiece, if that is not 0.
	PieceHead(dst []byte, n int) []byte
	PieceTail(dst []byte, n int) []byte
	MaxPiece() int
	// AppendEnd appends what stands behind the body.
	AppendEnd(dst []byte) []byte
	// Restart forgets what was read of an answer: another attempt follows.
	Restart()

	// ReadHead looks at what was read of the answer. It fills x.Answer, and
	// says how many bytes are used up; the others are given again together with
	// what is read next. With HeadMore it may use up nothing, until the buffer,
	// which has the size of buffer_size, is full: then the head is too big. What
	// it puts into x.Answer may share buf's memory, which stays as it is until
	// the request has ended, if it was not used up by an earlier call.
	ReadHead(x *Exchange, buf []byte) (n int, r HeadResult)
	// StartBody is called when the head is on its way to the client. It reports
	// whether there is a body to be read.
	StartBody(x *Exchange) bool
	// ReadBody takes n bytes of buf, of which data is a piece of the body when it
	// is not empty.
	ReadBody(x *Exchange, buf []byte) (n int, data []byte, r BodyResult)
	// AtEnd reports whether the body may end where the upstream has closed the
	// connection.
	AtEnd(x *Exchange) bool
}

// A Silent codec makes the answer itself as soon as there is a connection: ReadHead
// gets no bytes, and what the upstream sends belongs to the tunnel.
type Silent interface {
	Codec
	Silent()
}

// A HeadResult says why ReadHead returned.
type HeadResult uint8

const (
	HeadMore   HeadResult = iota // the head is not complete
	HeadDone                     // it is
	HeadEarly                    // one of status 103 is; another head follows
	HeadFailed                   // it is none, which was logged
	HeadBroken                   // the answer makes no sense at all: 500
)

// A BodyResult says why ReadBody returned.
type BodyResult uint8

const (
	BodyMore   BodyResult = iota // more of it may be there, or is to come
	BodyDone                     // it is complete
	BodyFailed                   // it is not what it should be, which was logged
	BodyShort                    // it ended too early, which was logged
)
