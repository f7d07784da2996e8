package h1

import "math"

// Chunked decodes a chunked body as it arrives. The zero value is ready.
type Chunked struct {
	state chunkState
	size  int64 // of the chunk in progress, what is still to come of it
	bare  bool  // it ends behind the last chunk
}

// EndBeforeTrailers lets the body end behind the line of the last chunk: what
// follows, trailers and an empty line, is left to the caller.
func (c *Chunked) EndBeforeTrailers() { c.bare = true }

// chunkState is where in the grammar the decoder stopped.
//
//	size -> [extension] -> sizeLF -> data -> dataCR -> dataLF -> size ...
//	"0"  -> [lastExtension] -> lastLF -> trailers -> endLF
//	                                     ^-> trailer -> trailerLF -+
type chunkState uint8

const (
	chSizeStart     chunkState = iota // the first digit of a size
	chSize                            // more digits
	chExtension                       // ignored up to CR
	chSizeLF                          // the LF behind a size
	chData                            // the bytes of a chunk
	chDataCR                          // the CR behind them
	chDataLF                          //
	chLastExtension                   // as chExtension, behind the size 0
	chLastLF                          //
	chTrailers                        // at the start of a trailer line
	chTrailer                         // inside a trailer line, which is dropped
	chTrailerLF                       //
	chEndLF                           // the LF of the empty line
	chEnd                             //
)

// A ChunkResult says why Decode returned.
type ChunkResult uint8

const (
	ChunkMore   ChunkResult = iota // all of buf is consumed
	ChunkData                      // data is a piece of the body
	ChunkDone                      // the body, trailers included, has ended
	ChunkFailed                    // not a chunked body: 400, "client sent invalid chunked body" (level error)
)

// Decode consumes n bytes of buf, of which the last are data (a slice of buf) when
// the result is ChunkData. Call it again with what follows. After ChunkDone and
// ChunkFailed it consumes nothing more.
func (c *Chunked) Decode(buf []byte) (n int, data []byte, r ChunkResult) {
	for n < len(buf) {
		switch c.state {
		case chData:
			start := n
			n += int(min(int64(len(buf)-start), c.size))
			c.size -= int64(n - start)
			if c.size == 0 {
				c.state = chDataCR
			}
			return n, buf[start:n:n], ChunkData
		case chEnd:
			return n, nil, ChunkDone
		}
		if !c.step(buf[n]) {
			return n, nil, ChunkFailed
		}
		n++
	}
	if c.state == chEnd {
		return n, nil, ChunkDone
	}
	return n, nil, ChunkMore
}

// Mark is where c stands, for [Chunked.Restore]; ok is false behind the last chunk.
func (c *Chunked) Mark() (state uint8, size int64, ok bool) {
	return uint8(c.state), c.size, c.state <= chDataLF
}

// Restore lets c go on where Mark was called, perhaps in another process. It
// reports false for what Mark cannot have returned.
func (c *Chunked) Restore(state uint8, size int64) bool {
	if chunkState(state) > chDataLF || size < 0 {
		return false
	}
	c.state, c.size = chunkState(state), size
	return true
}

// step acts on one byte of framing; false means that it may not stand here.
func (c *Chunked) step(b byte) bool {
	switch c.state {
	case chSizeStart, chSize:
		return c.sizeByte(b)
	case chExtension:
		return c.skipTo(b, chSizeLF)
	case chLastExtension:
		return c.skipTo(b, chLastLF)
	case chTrailer:
		return c.skipTo(b, chTrailerLF)
	case chDataCR:
		c.state = chDataLF
		return b == '\r'
	case chTrailers:
		c.state = chTrailer
		if b == '\r' {
			c.state = chEndLF
		}
		return b != '\n'
	case chSizeLF:
		c.state = chData
	case chDataLF:
		c.state = chSizeStart
	case chLastLF, chTrailerLF:
		c.state = chTrailers
		if c.bare {
			c.state = chEnd
		}
	case chEndLF:
		c.state = chEnd
	}
	return b == '\n'
}

// sizeByte acts on a byte of a size, or on the one behind it.
func (c *Chunked) sizeByte(b byte) bool {
	if c.state == chSize && c.size > math.MaxInt64/16 {
		return false
	}
	if digit := hexDigits[b]; digit < 16 {
		c.size = c.size*16 + int64(digit)
		c.state = chSize
		return c.size <= math.MaxInt64-9
	}
	if c.state == chSizeStart {
		return false
	}
	switch b {
	case '\r':
		c.state = chSizeLF
		if c.size == 0 {
			c.state = chLastLF
		}
		return true
	case ';', ' ', '\t':
		c.state = chExtension
		if c.size == 0 {
			c.state = chLastExtension
		}
		return true
	}
	return false
}

// skipTo drops b, up to the CR that leads to next; a bare LF is refused.
func (c *Chunked) skipTo(b byte, next chunkState) bool {
	if b == '\r' {
		c.state = next
	}
	return b != '\n'
}

// Left is how many bytes of the chunk in progress are still to come. With what came
// before it tells how long the body wants to become at least.
func (c *Chunked) Left() int64 { return c.size }

// Need is the least number of bytes still to come until the end of the body.
func (c *Chunked) Need() int64 {
	const end = 7 // CR LF "0" CR LF CR LF, behind the bytes of a chunk
	switch c.state {
	case chSizeStart:
		return 5
	case chSize:
		if c.size == 0 {
			return 4
		}
		return 2 + c.size + end
	case chExtension:
		return 2 + c.size + end
	case chSizeLF:
		return 1 + c.size + end
	case chData:
		return c.size + end
	case chDataCR:
		return end
	case chDataLF:
		return end - 1
	case chLastExtension, chTrailer:
		return 4
	case chLastLF, chTrailerLF:
		return 3
	case chTrailers:
		return 2
	case chEndLF:
		return 1
	}
	return 0
}

// AppendChunkSize appends the line that starts a chunk of n bytes (n > 0).
func AppendChunkSize(dst []byte, n int64) []byte {
	return append(AppendHex(dst, uint64(n)), '\r', '\n')
}

// What stands around chunks.
const (
	ChunkEnd  = "\r\n"      // after the bytes of every chunk
	LastChunk = "0\r\n\r\n" // ends a body without trailers
	LastSize  = "0\r\n"     // ends a body with trailers: header lines and an empty line follow
)
