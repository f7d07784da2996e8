package core

import (
	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/internal/conf"
)

// maxCPUs is the most that a unix.CPUSet holds.
const maxCPUs = 1024

// affinity says on which processors the workers run.
type affinity struct {
	auto  bool          // one processor each, out of the only mask
	masks []unix.CPUSet // one for each worker; the last is for all that follow
}

// setAffinity reads masks of binary digits, the last of which stands for the
// first processor.
func (c *Conf) setAffinity(d *conf.Directive) error {
	if c.Affinity.IsSet() {
		return conf.ErrDuplicate
	}
	var a affinity
	words := d.Args
	if words[0] == "auto" {
		if len(words) > 2 {
			return d.Errorf(`invalid number of arguments in "%s" directive`, d.Name)
		}
		a.auto = true
		words = words[1:]
	}
	for _, word := range words {
		mask, err := parseMask(d, word)
		if err != nil {
			return err
		}
		a.masks = append(a.masks, mask)
	}
	if a.auto && len(a.masks) == 0 {
		a.masks = []unix.CPUSet{available()}
	}
	return c.Affinity.Set(a)
}

func parseMask(d *conf.Directive, word string) (mask unix.CPUSet, err error) {
	if len(word) > maxCPUs {
		return mask, d.Errorf(`"%s" supports up to %d CPUs only`, d.Name, maxCPUs)
	}
	cpu := 0
	for i := len(word) - 1; i >= 0; i-- {
		switch word[i] {
		case ' ':
			continue
		case '1':
			mask.Set(cpu)
		case '0':
		default:
			return mask, d.Errorf(`invalid character "%c" in "%s"`, word[i], d.Name)
		}
		cpu++
	}
	return mask, nil
}

// available returns the processors that this process may use.
func available() (set unix.CPUSet) {
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		set.Set(0)
	}
	return set
}

// perWorker returns the set of each of n workers; nil: wherever they like.
func (a affinity) perWorker(n int) []unix.CPUSet {
	if len(a.masks) == 0 {
		return nil
	}
	sets := make([]unix.CPUSet, n)
	if !a.auto {
		for i := range sets {
			sets[i] = a.masks[min(i, len(a.masks)-1)]
		}
		return sets
	}
	cpus := members(a.masks[0])
	if len(cpus) == 0 {
		return nil
	}
	for i := range sets {
		sets[i].Set(cpus[i%len(cpus)])
	}
	return sets
}

func members(set unix.CPUSet) []int {
	var cpus []int
	for cpu := range maxCPUs {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}
