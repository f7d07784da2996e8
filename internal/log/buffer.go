package log

import (
	"bytes"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Buffering says how long lines of an access log wait for each other before
// they are written. The zero value writes each line at once.
type Buffering struct {
	Size  int           // bytes that wait at most; 0: none
	Flush time.Duration // how long a line waits at most; 0: until Size is used up
	Gzip  int           // compression level, 1 to 9; 0: as it is
}

// Buffer is [Files.File] for a file whose lines of access logs are buffered,
// whoever writes them. It is called before the first line; the last call wins.
// What waits is written when there is no more room, after Flush, before the file
// is swapped for a reopened one, and by [Files.Close].
func (fs *Files) Buffer(path string, how Buffering) (*File, error) {
	f, err := fs.File(path)
	if err != nil || f == fs.stderr {
		return f, err
	}
	f.buffer = &buffer{file: f, how: how, failed: func(err error) { fs.main.Load().Log(Alert, 0, err.Error()) }}
	return f, nil
}

// buffer is the lines of one file that wait.
type buffer struct {
	file   *File
	how    Buffering
	failed func(error) // hears of errors for which no request is to blame

	mu     sync.Mutex // guards the rest; held while lines are written
	held   []byte     // nil before the first line
	timer  *time.Timer
	packed bytes.Buffer // of how.Gzip
	packer *gzip.Writer // nil before its first use
}

// add lets line wait. The error is of lines that had to be written now.
func (b *buffer) add(line []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held == nil {
		b.held = make([]byte, 0, b.how.Size)
	}
	var err error
	if len(line) > cap(b.held)-len(b.held) {
		err = b.flush()
	}
	if len(line) > cap(b.held) {
		return b.write(line)
	}
	if len(b.held) == 0 && b.how.Flush > 0 {
		b.startTimer()
	}
	b.held = append(b.held, line...)
	return err
}

func (b *buffer) startTimer() {
	if b.timer == nil {
		b.timer = time.AfterFunc(b.how.Flush, b.drain)
		return
	}
	b.timer.Reset(b.how.Flush)
}

// drain writes what waits.
func (b *buffer) drain() {
	b.mu.Lock()
	err := b.flush()
	b.mu.Unlock()
	if err != nil {
		b.failed(err)
	}
}

// flush is called with mu held.
func (b *buffer) flush() error {
	if len(b.held) == 0 {
		return nil
	}
	if b.timer != nil {
		b.timer.Stop()
	}
	err := b.write(b.held)
	b.held = b.held[:0]
	return err
}

// write is called with mu held. Compressed lines are a gzip member of their own,
// so that the file can be read whenever it is not being written.
func (b *buffer) write(lines []byte) error {
	if b.how.Gzip == 0 {
		return b.file.writeLines(lines)
	}
	b.packed.Reset()
	if b.packer == nil {
		packer, err := gzip.NewWriterLevel(&b.packed, b.how.Gzip)
		if err != nil {
			return err
		}
		b.packer = packer
	} else {
		b.packer.Reset(&b.packed)
	}
	if _, err := b.packer.Write(lines); err != nil {
		return err
	}
	if err := b.packer.Close(); err != nil {
		return err
	}
	return b.file.writeLines(b.packed.Bytes())
}
