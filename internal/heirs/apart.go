package heirs

import (
	"bytes"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// Inline is how many bytes on their way through a connection travel in its record;
// more of them travel apart.
const Inline = 8 << 10

// Apart puts pieces, one behind the other, where they travel beside a record: in a
// sealed memory file.
func Apart(pieces ...[]byte) (*fd.Owned, error) {
	return fd.Memfd("unsent", bytes.Join(pieces, nil))
}

// Together reads what Apart has written in another process: pieces of these sizes
// and nothing else. It closes file.
func Together(file *fd.Owned, sizes ...int) (pieces [][]byte, err error) {
	defer file.Close()
	total := 0
	for _, n := range sizes {
		if n < 0 {
			return nil, ErrState
		}
		total += n
	}
	var st unix.Stat_t
	if err := unix.Fstat(file.Raw(), &st); err != nil || st.Size != int64(total) {
		return nil, ErrState
	}
	b, err := fd.ReadSealed(file)
	if err != nil || len(b) != total {
		return nil, ErrState
	}
	for _, n := range sizes {
		pieces = append(pieces, b[:n:n])
		b = b[n:]
	}
	return pieces, nil
}
