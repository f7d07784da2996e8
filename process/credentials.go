package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// assume makes all threads of this process run as c, without a way back: real,
// effective and saved ids change, and the kernel takes all capabilities of a
// process that leaves root, the ambient ones included.
func (c *Credentials) assume() error {
	if err := syscall.Setgroups(c.Groups); err != nil {
		return failed(err, "setgroups()")
	}
	if err := syscall.Setresgid(c.GID, c.GID, c.GID); err != nil {
		return failed(err, "setgid(%d)", c.GID)
	}
	if err := syscall.Setresuid(c.UID, c.UID, c.UID); err != nil {
		return failed(err, "setuid(%d)", c.UID)
	}
	if c.UID == 0 {
		return nil
	}
	if err := unix.Setuid(0); !errors.Is(err, unix.EPERM) {
		return errors.New("the process could become root again")
	}
	return nil
}
