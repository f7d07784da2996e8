package process

import (
	"fmt"
	"os"
	"strings"
	"unsafe"
)

// Title is the memory in which the kernel keeps a process's arguments, and
// which ps reads. The environment lies right behind it and is used for long
// titles, as Go has copied it when the process started.
type Title struct{ mem []byte }

// TakeTitle takes the argument memory of this process and puts copies in
// os.Args. It must be called first in main, and once: a string taken from
// os.Args before would change with the title.
func TakeTitle() *Title {
	args := os.Args
	if len(args) == 0 || unsafe.StringData(args[0]) == nil {
		return nil
	}
	first, size := unsafe.StringData(args[0]), 0
	for _, a := range args {
		size += len(a) + 1
	}
	if start, end, err := argumentMemory(); err == nil && start == uintptr(unsafe.Pointer(first)) {
		size = int(end - start)
	}
	os.Args = make([]string, len(args))
	for i, a := range args {
		os.Args[i] = strings.Clone(a)
	}
	return &Title{mem: unsafe.Slice(first, size)}
}

// argumentMemory returns where the arguments start and the environment ends,
// fields 48 and 51 of proc_pid_stat(5).
func argumentMemory() (start, end uintptr, err error) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, 0, err
	}
	// The second field is the process's name in parentheses, with any bytes.
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(f) < 49 {
		return 0, 0, fmt.Errorf("/proc/self/stat has %d fields", len(f)+2)
	}
	if _, err := fmt.Sscan(f[48-3]+" "+f[51-3], &start, &end); err != nil {
		return 0, 0, err
	}
	if end <= start {
		return 0, 0, fmt.Errorf("/proc/self/stat shows no arguments")
	}
	return start, end, nil
}

// Set shows s in ps, as far as there is room. A nil Title does nothing.
func (t *Title) Set(s string) {
	if t == nil {
		return
	}
	// The last byte stays zero. When s reaches past the arguments, the kernel
	// sees that their last byte is not zero and reads on up to the next zero.
	n := copy(t.mem[:len(t.mem)-1], s)
	clear(t.mem[n:])
}

// spare is an environment variable, nginx's, that a new binary gets for the room
// that it takes: its title is longer than its arguments.
var spare = "SPARE=" + strings.Repeat("X", 300)

// setName sets what ps and top show as the command: the kernel keeps 15 bytes.
func setName(name string) {
	// A kernel without /proc shows the file's name, which does no harm.
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0)
}
