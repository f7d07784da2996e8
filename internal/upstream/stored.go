package upstream

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// What a name was found to have is kept in the zone, so that a worker that takes
// another one's place, or the next cycle's, can begin with it.

// storedKey is where the answers of a source are.
func (src *source) storedKey() string {
	return fmt.Sprintf("%s\x00resolved %q %q %d", src.group.name, src.server.Host, src.server.Service, src.server.Port)
}

// store keeps the answers, when there is room.
func (src *source) store(answers []answer) {
	at := src.group.shared.place
	if at == nil || !at.zone.Mapped() {
		return
	}
	at.open()
	key, text := src.storedKey(), encode(answers)
	at.table.Lock()
	defer at.table.Unlock()
	e, ok := at.table.Find(key)
	if ok && len(e.Value()) != len(text) {
		at.table.Delete(e)
		ok = false
	}
	if !ok && len(text) > 0 && len(text) < 1<<16 {
		e, ok = at.table.Insert(key, len(text))
	}
	if ok {
		copy(e.Value(), text)
		at.table.Touch(e)
	}
}

// load returns what is kept, nil when there is nothing.
func (src *source) load() []answer {
	at := src.group.shared.place
	if at == nil || !at.zone.Mapped() {
		return nil
	}
	at.open()
	return decode(src.read(at))
}

func (src *source) read(at *place) (text string) {
	at.table.Lock()
	defer at.table.Unlock()
	if e, ok := at.table.Find(src.storedKey()); ok {
		text = string(e.Value())
	}
	return text
}

func encode(answers []answer) string {
	var b strings.Builder
	for _, a := range answers {
		fmt.Fprintf(&b, "%t %d %s %s\n", a.backup, a.weight, a.address, a.server)
	}
	return b.String()
}

// decode reads what anybody may have written: lines that are nothing are left
// out.
func decode(text string) []answer {
	var answers []answer
	for line := range strings.Lines(text) {
		words := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
		if len(words) != 4 {
			continue
		}
		weight, err := strconv.Atoi(words[1])
		if err != nil || weight < 1 {
			continue
		}
		address, err := netip.ParseAddrPort(words[2])
		if err != nil || address.Addr().Zone() != "" {
			continue
		}
		answers = append(answers, answer{words[0] == "true", weight, address, words[3]})
	}
	return sorted(answers)
}
