package zone

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// An owner names a process in a zone: its pid and when it started, so that a
// later process with the same pid is another one. Zero is nobody.
//
//	bits 0-30   pid
//	bit  31     of a lock: somebody waits for it
//	bits 32-63  time of the start, in clock ticks since the machine's
type owner uint64

const waiters owner = 1 << 31

func ownerOf(pid int, start uint64) owner { return owner(uint32(pid)) | owner(start)<<32 }

func (o owner) pid() int { return int(o & (waiters - 1)) }

func thisProcess() (owner, error) {
	_, start, err := processStat(os.Getpid())
	if err != nil {
		return 0, fmt.Errorf("own start time: %w", err)
	}
	return ownerOf(os.Getpid(), start), nil
}

// alive reports false when the process has certainly ended. A process in
// another's sight may be hidden: then its pid must do.
func (o owner) alive() bool {
	if unix.Kill(o.pid(), 0) == unix.ESRCH {
		return false
	}
	state, start, err := processStat(o.pid())
	if err != nil {
		return true
	}
	return state != 'Z' && state != 'X' && ownerOf(o.pid(), start) == o&^waiters
}

var errStat = errors.New("unknown format of /proc/PID/stat")

// processStat reads the state and the start time of a process.
func processStat(pid int) (state byte, start uint64, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, err
	}
	// "PID (NAME) STATE ...": a name may have spaces and brackets.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const startField = 22 - 3
	if len(fields) <= startField {
		return 0, 0, errStat
	}
	start, err = strconv.ParseUint(string(fields[startField]), 10, 64)
	return fields[0][0], start, err
}
